import type { default as UPlot } from 'uplot';
import { formatRate } from './format.js';
import { type Rates, SPAN } from './rates.js';

/** Of the script that the page loads before this one. */
declare const uPlot: typeof UPlot;

const HEIGHT = 208;
/** The least that the vertical axis reaches to, bytes a second. */
const SMALLEST_TOP = 1_024;
/** Steps of the axes, so that they bear round numbers of KiB and MiB, and of seconds. */
const RATE_STEPS = Array.from({ length: 42 }, (_, power) => 2 ** power);
const TIME_STEPS = [30];

/** The rates as lines, which follow the width and the colours of the page. */
export class Chart {
  readonly #plot: UPlot;
  readonly #rates: Rates;

  constructor(place: HTMLElement, rates: Rates) {
    this.#rates = rates;
    this.#plot = new uPlot(optionsFor(place), this.#data(), place);
    new ResizeObserver(() => this.#plot.setSize(sizeOf(place))).observe(place);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw());
  }

  draw(): void {
    this.#plot.setData(this.#data());
  }

  #data(): UPlot.AlignedData {
    return [Array.from({ length: SPAN }, (_, i) => i + 1 - SPAN), this.#rates.down, this.#rates.up];
  }
}

function optionsFor(place: HTMLElement): UPlot.Options {
  const colour = (name: string) => () => getComputedStyle(place).getPropertyValue(name);
  const font = `12px ${getComputedStyle(place).fontFamily}`;
  const axis = {
    stroke: colour('--muted'),
    font,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const series = { width: 2, points: { show: false } };
  return {
    ...sizeOf(place),
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [1 - SPAN, 0] },
      y: { range: (_plot, _min, max) => [0, Math.max(max * 1.1, SMALLEST_TOP)] },
    },
    axes: [
      {
        ...axis,
        size: 32,
        incrs: TIME_STEPS,
        values: (_plot, seconds) => seconds.map((at) => (at === 0 ? 'now' : `${-at} s ago`)),
      },
      { ...axis, incrs: RATE_STEPS, size: 80, values: (_plot, rates) => rates.map(formatRound) },
    ],
    series: [
      {},
      { ...series, label: 'Down', stroke: colour('--down') },
      { ...series, label: 'Up', stroke: colour('--up'), dash: [6, 4] },
    ],
  };
}

function formatRound(rate: number): string {
  return formatRate(rate).replace(/\.0+(?= )/, '');
}

function sizeOf(place: HTMLElement): { width: number; height: number } {
  return { width: place.clientWidth, height: HEIGHT };
}
