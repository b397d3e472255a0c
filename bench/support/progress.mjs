const WIDTH = 30;

/** A bar on standard error: how many of `total` steps are done, and the one at work. On a terminal only. */
export function createProgress(title, total, output = process.stderr) {
  let done = 0;
  const draw = (label) => {
    if (!output.isTTY) return;
    const filled = Math.round((done / total) * WIDTH);
    const bar = '#'.repeat(filled) + '-'.repeat(WIDTH - filled);
    output.write(`\r\x1b[K${title} [${bar}] ${done}/${total} ${label}`);
  };
  return {
    step(label) {
      draw(label);
      done = Math.min(total, done + 1);
    },
    end() {
      if (output.isTTY) output.write('\r\x1b[K');
    },
  };
}
