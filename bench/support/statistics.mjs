/** The value below which the share `q` of `values` lies. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

export function median(values) {
  return quantile(values, 0.5);
}

export function round(value, digits = 1) {
  return Number(value.toFixed(digits));
}

/** Median and quartiles of `values`, as they stand in tables and charts. */
export function summary(values, digits = 2) {
  return {
    median: round(median(values), digits),
    low: round(quantile(values, 0.25), digits),
    high: round(quantile(values, 0.75), digits),
  };
}

/** Each value of one contender over the baseline's of the same turn: what the machine did meanwhile hit both. */
export function ratios(values, baseline) {
  return values.map((value, i) => value / baseline[i]);
}

/** What turns have measured: of a contender all values of a figure, their median, and their ratios to those of `baseline`, summed up. */
export function figuresOf(measured) {
  const values = (way, figure) => measured[way].map((each) => each[figure]);
  return {
    values,
    middle: (way, figure) => median(values(way, figure)),
    over: (way, figure, baseline) => summary(ratios(values(way, figure), values(baseline, figure))),
  };
}

/** The exponent b of y = a * x^b that fits best. */
export function exponent(points) {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)]);
  const mean = (i) => logs.reduce((sum, point) => sum + point[i], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const over = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return over / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}
