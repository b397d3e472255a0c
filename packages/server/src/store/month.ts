/** The calendar month of `wallTime`, by UTC: `2026-11`. */
export function monthOf(wallTime: number): string {
  return new Date(wallTime).toISOString().slice(0, 7);
}
