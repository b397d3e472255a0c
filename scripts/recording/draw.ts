import type { Run, Snapshot } from './terminal.js';

/** What one terminal showed, from the first snapshot to the last. */
export interface Pane {
  readonly title: string;
  readonly rows: number;
  readonly snapshots: readonly Snapshot[];
}

export interface Recording {
  readonly columns: number;
  /** What happens in it, for those who do not see it. */
  readonly description: string;
  readonly panes: readonly Pane[];
  /** From which time to which, ms. */
  readonly from: number;
  readonly to: number;
}

/** What a line shows, and from when to when, as shares of the recording. */
interface Shown {
  readonly runs: readonly Run[];
  readonly from: number;
  to: number;
}

const FONT = 13;
const CELL = FONT * 0.6;
const LINE = 17;
const BAR = 24;
const GAP = 10;
const PADDING = 10;
/** Lines that change sooner than this after a change are drawn once, ms. */
const STEP = 200;
/** How long the last picture stands, ms. */
const REST = 3_500;

/** From the ANSI colours, in light and in dark. */
const COLORS: Readonly<Record<number, readonly [light: string, dark: string]>> = {
  1: ['#cf222e', '#ff7b72'],
  2: ['#116329', '#7ee787'],
  3: ['#7d4e00', '#e3b341'],
  4: ['#0550ae', '#79c0ff'],
  5: ['#8250df', '#d2a8ff'],
  6: ['#1b7c83', '#76e3ea'],
  8: ['#57606a', '#9198a1'],
};

/** The recording as a picture that moves (SVG), or stands still at its end for those who want no motion. */
export function drawRecording({ columns, description, panes, from, to }: Recording): string {
  const length = to - from + REST;
  const width = Math.ceil(columns * CELL + 2 * PADDING);
  const [shapes, keyframes]: [string[], Map<string, string>] = [[], new Map()];
  let top = 0;
  for (const { title, rows, snapshots } of panes) {
    const height = BAR + rows * LINE + PADDING;
    shapes.push(
      `<rect class="w" x=".5" y="${top + 0.5}" width="${width - 1}" height="${height - 1}" rx="6"/>`,
      `<text class="t" x="${PADDING}" y="${top + 16}">${escapeXml(title)}</text>`,
    );
    for (let row = 0; row < rows; row++) {
      const y = top + BAR + row * LINE + FONT;
      for (const shown of historyOf(row, snapshots, from, length)) shapes.push(drawLine(shown, y, keyframes));
    }
    top += height + GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top - GAP}" width="${width}" height="${top - GAP}" role="img" aria-labelledby="d">
<title id="d">${escapeXml(description)}</title>
<style>${styleOf(length, keyframes)}</style>
${shapes.join('\n')}
</svg>
`;
}

/** What a line showed, without what stood for less than a step. */
function historyOf(row: number, snapshots: readonly Snapshot[], start: number, length: number): Shown[] {
  const history: Shown[] = [];
  for (const [index, { at, lines }] of snapshots.entries()) {
    const next = snapshots[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const runs = lines[row] ?? [];
    const last = history.at(-1);
    if (last !== undefined && isSame(last.runs, runs)) continue;
    if (last !== undefined && at - (last.from * length + start) < STEP && next - at < STEP && next > at) continue;
    const from = Math.max(0, at - start) / length;
    if (last !== undefined) last.to = from;
    history.push({ runs, from, to: 1 });
  }
  return history.filter(({ runs, from, to }) => runs.length > 0 && to > from);
}

function isSame(some: readonly Run[], others: readonly Run[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}

function drawLine({ runs, from, to }: Shown, y: number, keyframes: Map<string, string>): string {
  const name = nameOf(from, to, keyframes);
  const classes = [...(name === undefined ? [] : [name]), ...(to < 1 ? ['p'] : [])].join(' ');
  const parts = runs.map(({ text, color, isBold }) => {
    const style = [...(color === undefined || !(color in COLORS) ? [] : [`c${color}`]), ...(isBold ? ['b'] : [])].join(
      ' ',
    );
    return style === '' ? escapeXml(text) : `<tspan class="${style}">${escapeXml(text)}</tspan>`;
  });
  return `<text${classes === '' ? '' : ` class="${classes}"`} x="${PADDING}" y="${y}">${parts.join('')}</text>`;
}

/** The class that shows a line from one time to another; none for a line that is always there. */
function nameOf(from: number, to: number, keyframes: Map<string, string>): string | undefined {
  if (from === 0 && to === 1) return undefined;
  const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`;
  const steps = [
    ...(from > 0 ? ['0%{opacity:0}'] : []),
    `${percent(from)}{opacity:1}`,
    to < 1 ? `${percent(to)},to{opacity:0}` : 'to{opacity:1}',
  ].join('');
  const name = keyframes.get(steps) ?? `k${keyframes.size}`;
  keyframes.set(steps, name);
  return name;
}

function styleOf(length: number, keyframes: ReadonlyMap<string, string>): string {
  const colors = (index: 0 | 1): string =>
    Object.entries(COLORS)
      .map(([color, pair]) => `.c${color}{fill:${pair[index]}}`)
      .join('');
  const moves = [...keyframes].map(([steps, name]) => `@keyframes ${name}{${steps}}.${name}{animation-name:${name}}`);
  return `
text{font:${FONT}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#1f2328;animation:${length / 1_000}s step-end infinite}
.w{fill:#f6f8fa;stroke:#d1d9e0}.t{font-size:12px;fill:#59636e;font-weight:600}.b{font-weight:700}${colors(0)}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.w{fill:#0d1117;stroke:#3d444d}.t{fill:#9198a1}${colors(1)}}
${moves.join('\n')}
@media (prefers-reduced-motion:reduce){text{animation:none}.p{opacity:0}}
`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
