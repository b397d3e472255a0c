export const CHINESE_GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>>;
export const GROUPS: Record<string, Record<string, string>>;
export function linkOf(place: string): string;
