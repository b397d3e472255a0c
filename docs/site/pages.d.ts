export function gatherPages(folder: string): void;
