const FORM = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** A date and a time of RFC 3339, always with its zone; undefined for anything else, such as the 30th of February. */
export function parseTime(text: string): Date | undefined {
  const [, date = '', time = '', fraction = '', zone = ''] = FORM.exec(text) ?? [];
  // Days that a month does not have would become those of the next one, and 24 o'clock the next day.
  const local = new Date(`${date}T${time}Z`);
  if (Number.isNaN(local.getTime()) || !local.toISOString().startsWith(`${date}T${time}`)) return undefined;
  const at = new Date(`${date}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
