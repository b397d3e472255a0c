// Bar charts as SVG text: a group of bars for each scenario, a bar for each way, a line for the middle half of the turns.
const ROW = 18;
const GAP = 14;
const LEFT = 190;
const BARS = 480;
const RIGHT = 90;
const TOP = 56;
const COLOURS = ['#9aa5b1', '#52606d', '#0b7285', '#e67700', '#7048a8', '#2b8a3e', '#c92a2a', '#846358', '#c2255c'];

/** `groups`: [{ label, bars: [{ name, median, low, high }] }]. */
export function barChart({ title, unit, groups }) {
  const names = [...new Set(groups.flatMap(({ bars }) => bars.map(({ name }) => name)))];
  const top = Math.max(...groups.flatMap(({ bars }) => bars.map(({ high }) => high)));
  const x = (value) => LEFT + (value / top) * BARS;
  const lines = [];
  let y = TOP;
  for (const { label, bars } of groups) {
    lines.push(text(8, y + ROW * 0.7, label, 'font-weight="bold"'));
    for (const { name, median, low, high } of bars) {
      const middle = y + ROW / 2;
      const colour = COLOURS[names.indexOf(name) % COLOURS.length];
      lines.push(text(LEFT - 6, y + ROW * 0.7, name, 'text-anchor="end"'));
      lines.push(
        `<rect x="${LEFT}" y="${y + 2}" width="${fixed(x(median) - LEFT)}" height="${ROW - 4}" fill="${colour}"/>`,
      );
      lines.push(`<path d="M${fixed(x(low))} ${middle}H${fixed(x(high))}" stroke="#212529" stroke-width="1.5"/>`);
      lines.push(text(x(Math.max(median, high)) + 6, y + ROW * 0.7, String(median)));
      y += ROW;
    }
    y += GAP;
  }
  const [width, height] = [LEFT + BARS + RIGHT, y + 4];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    '  font-family="system-ui, sans-serif" font-size="12" fill="#212529">',
    `<title>${escaped(title)}</title>`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    text(8, 20, title, 'font-size="15" font-weight="bold"'),
    text(8, 38, `${unit}; the line is the middle half of the turns`, 'fill="#52606d"'),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function text(x, y, content, attributes = '') {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped(content)}</text>`;
}

function escaped(content) {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function fixed(value) {
  return Number(value.toFixed(1));
}
