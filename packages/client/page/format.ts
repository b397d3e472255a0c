const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Three digits at least where there are that many, such as `1.50 MiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const size = bytes / 1024 ** power;
  const digits = power === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return `${size.toFixed(digits)} ${UNITS[power]}`;
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

/** Of milliseconds, as exact as anybody wants it: `12 s`, `14 min`, `2 h 14 min`, `3 d 2 h`. */
export function formatTime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  const [size, unit, small, smallUnit] = seconds < 86_400 ? HOURS : DAYS;
  const rest = Math.floor((seconds % size) / small);
  const largest = `${Math.floor(seconds / size)} ${unit}`;
  return rest === 0 ? largest : `${largest} ${rest} ${smallUnit}`;
}

/** A unit and the next smaller one, in seconds. */
const HOURS = [3_600, 'h', 60, 'min'] as const;
const DAYS = [86_400, 'd', 3_600, 'h'] as const;

/** A time of day as of `nowMs`, such as `14:02:11`; with the day when that was another one. */
export function formatClock(ms: number, nowMs: number): string {
  const [then, now] = [new Date(ms), new Date(nowMs)];
  const time = [then.getHours(), then.getMinutes(), then.getSeconds()].map((part) => String(part).padStart(2, '0'));
  if (then.toDateString() === now.toDateString()) return time.join(':');
  return `${formatDay(ms)} ${time.slice(0, 2).join(':')}`;
}

/** Such as `1 Dec`. */
export function formatDay(ms: number): string {
  const day = new Date(ms);
  return `${day.getDate()} ${MONTHS[day.getMonth()]}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

export function formatRoundTrip(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** The host of a URL; a name that is no URL is left as it is. */
export function hostOf(server: string): string {
  return URL.canParse(server) ? new URL(server).hostname : server;
}
