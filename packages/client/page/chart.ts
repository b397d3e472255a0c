import type { default as UPlot } from 'uplot';
import { find, setText } from './dom.js';
import { formatClock, formatRate } from './format.js';
import { type Look, SECONDS, TENS } from './look.js';
import type { Point } from './news.js';

/** Of the script that the page loads before this one. */
declare const uPlot: typeof UPlot;

/** What can be shown: points that the look has, so many, each of so many seconds; and where the axis has a mark. */
const SPANS = {
  seconds: { points: SECONDS, step: 1, marks: [30], title: 'the last two minutes' },
  tens: { points: TENS, step: 10, marks: [900], title: 'the last hour' },
} as const;
type SpanName = keyof typeof SPANS;

/** The least that the vertical axis reaches to, bytes a second. */
const SMALLEST_TOP = 1_024;
/** Steps of the vertical axis, so that it bears round numbers of KiB and MiB. */
const RATE_STEPS = Array.from({ length: 42 }, (_, power) => 2 ** power);

/** What has flowed, as lines that follow the width and the colours of the page, and where the tunnel was away. */
export class Chart {
  readonly #place = find('chart');
  readonly #look: Look;
  readonly #plot: UPlot;
  #span: SpanName = 'seconds';

  constructor(look: Look) {
    this.#look = look;
    this.#plot = new uPlot(this.#options(), this.#data(), this.#place);
    new ResizeObserver(() => this.#plot.setSize(sizeOf(this.#place))).observe(this.#place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw());
    for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-span]')) {
      button.addEventListener('click', () => this.#choose(button.dataset['span'] as SpanName));
    }
  }

  draw(): void {
    this.#plot.setData(this.#data());
    const peak = this.#points.reduce((most, [down, up]) => Math.max(most, down, up), 0);
    this.#place.setAttribute('aria-label', `Traffic of ${SPANS[this.#span].title}; at most ${formatRate(peak)}`);
    this.#read();
  }

  #choose(span: SpanName): void {
    this.#span = span;
    for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-span]')) {
      button.setAttribute('aria-pressed', String(button.dataset['span'] === span));
    }
    this.draw();
  }

  get #points(): readonly Point[] {
    return this.#look[this.#span];
  }

  #data(): UPlot.AlignedData {
    const { points: size, step } = SPANS[this.#span];
    const missing = new Array<null>(Math.max(0, size - this.#points.length)).fill(null);
    const times = Array.from({ length: size }, (_, i) => (i + 1 - size) * step);
    const lines = [0, 1].map((way) => [...missing, ...this.#points.map((point) => point[way] ?? 0)]);
    return [times, ...lines] as UPlot.AlignedData;
  }

  /** What the pointer points at. */
  #read(): void {
    const index = this.#plot.cursor.idx;
    const { points: size, step } = SPANS[this.#span];
    const point = index === undefined || index === null ? undefined : this.#points[index - size + this.#points.length];
    if (index === undefined || index === null || point === undefined) return setText(find('reading'), '');
    const now = Date.now();
    const at = formatClock(now + (index + 1 - size) * step * 1_000, now);
    const [down, up, away] = point;
    setText(
      find('reading'),
      `${at}: ${formatRate(down)} down, ${formatRate(up)} up${away === 1 ? ', not connected' : ''}`,
    );
  }

  #options(): UPlot.Options {
    const place = this.#place;
    const colour = (name: string) => () => getComputedStyle(place).getPropertyValue(name);
    const font = `12px ${getComputedStyle(place).fontFamily}`;
    const axis = {
      stroke: colour('--muted'),
      font,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    };
    const series = { width: 1.5, points: { show: false } };
    const span = (): (typeof SPANS)[SpanName] => SPANS[this.#span];
    return {
      ...sizeOf(place),
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [(1 - span().points) * span().step, 0] },
        y: { range: (_plot, _min, max) => [0, Math.max(max * 1.1, SMALLEST_TOP)] },
      },
      axes: [
        {
          ...axis,
          size: 22,
          gap: 4,
          splits: () => marksOf(span()),
          values: (_plot, seconds) => seconds.map(formatMark),
        },
        { ...axis, incrs: RATE_STEPS, size: 72, space: 26, values: (_plot, rates) => rates.map(formatRound) },
      ],
      series: [
        {},
        { ...series, label: 'Down', stroke: colour('--down'), fill: colour('--down-soft') },
        { ...series, label: 'Up', stroke: colour('--up'), dash: [6, 4] },
      ],
      hooks: {
        drawClear: [(plot) => this.#markAway(plot, colour('--away')())],
        setCursor: [() => this.#read()],
      },
    };
  }

  #markAway(plot: UPlot, colour: string): void {
    const { points: size, step } = SPANS[this.#span];
    const { ctx, bbox } = plot;
    const before = size - this.#points.length;
    ctx.fillStyle = colour;
    this.#points.forEach(([, , away], i) => {
      if (away === 0) return;
      const end = (before + i + 1 - size) * step;
      const [left, right] = [end - step, end].map((at) => plot.valToPos(at, 'x', true));
      const from = Math.max(bbox.left, Math.round(left ?? 0));
      ctx.fillRect(from, bbox.top, Math.round(right ?? 0) - from, bbox.height);
    });
  }
}

function marksOf({ points, step, marks: [every] }: (typeof SPANS)[SpanName]): number[] {
  const marks = Math.floor((points * step) / every);
  return Array.from({ length: marks }, (_, i) => (i + 1 - marks) * every);
}

/** How long ago. */
function formatMark(seconds: number): string {
  if (seconds === 0) return 'now';
  return seconds % 60 === 0 ? `${-seconds / 60} min` : `${-seconds} s`;
}

function formatRound(rate: number): string {
  return formatRate(rate).replace(/\.0+(?= )/, '');
}

function sizeOf(place: HTMLElement): { width: number; height: number } {
  return { width: place.clientWidth, height: place.clientHeight };
}
