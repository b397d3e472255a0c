import type { Spread } from './spread.js';

export interface ChartRow {
  readonly label: string;
  readonly spread: Spread;
}

const WIDTH = 860;
const ROW = 26;
const LEFT = 300;
const RIGHT = 60;
const TOP = 56;
const BOTTOM = 34;
/** The scale, ms: each step ten times the one before. */
const TICKS = [1, 10, 100, 1_000, 10_000, 100_000];

/** A picture of times to recover, ms, on a logarithmic scale: a dot at the median, a bar to the 95th percentile, a line to the longest. */
export function drawChart(title: string, rows: readonly ChartRow[]): string {
  const height = TOP + rows.length * ROW + BOTTOM;
  const lines = TICKS.flatMap((tick) => {
    const at = x(tick);
    return [
      `<line x1="${at}" y1="${TOP - 8}" x2="${at}" y2="${height - BOTTOM}" stroke="#d0d7de"/>`,
      `<text x="${at}" y="${height - BOTTOM + 18}" text-anchor="middle">${tickLabel(tick)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="22" font-size="15" font-weight="bold">${escapeXml(title)}</text>`,
    `<text x="16" y="40" fill="#57606a">dot: median, bar: to the 95th percentile, line: to the longest; logarithmic scale</text>`,
    ...lines,
    ...rows.flatMap(drawRow),
    '</svg>',
    '',
  ].join('\n');
}

function drawRow({ label, spread }: ChartRow, index: number): string[] {
  const y = TOP + index * ROW + ROW / 2;
  const [median, p95, max] = [x(spread.median), x(spread.p95), x(spread.max)];
  return [
    `<text x="${LEFT - 12}" y="${y + 4}" text-anchor="end">${escapeXml(label)} (${spread.count})</text>`,
    `<line x1="${median}" y1="${y}" x2="${max}" y2="${y}" stroke="#0969da" stroke-width="2"/>`,
    `<rect x="${median}" y="${y - 5}" width="${round(p95 - median)}" height="10" fill="#54aeff"/>`,
    `<circle cx="${median}" cy="${y}" r="5" fill="#0550ae"/>`,
    `<text x="${max + 8}" y="${y + 4}" fill="#57606a">${tickLabel(spread.max)}</text>`,
  ];
}

function x(ms: number): number {
  const [low, high] = [TICKS[0] ?? 1, TICKS.at(-1) ?? 1];
  const share = Math.log(Math.min(high, Math.max(low, ms)) / low) / Math.log(high / low);
  return round(LEFT + share * (WIDTH - LEFT - RIGHT));
}

function tickLabel(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${round(ms / 1_000)} s`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
