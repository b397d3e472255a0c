export const GROUPS: Record<string, Record<string, string>>;
export function linkOf(place: string): string;
