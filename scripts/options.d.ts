/** By path. */
export function optionsPages(): Readonly<Record<string, string>>;
