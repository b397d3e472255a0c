export function optionsPage(): string;
export function withHelp(readme: string): string;
