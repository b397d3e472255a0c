// Loaded into a program whose memory is measured: on SIGUSR2 it collects garbage and tells on standard error what is left.
process.on('SIGUSR2', () => {
  globalThis.gc();
  globalThis.gc();
  process.stderr.write(`${JSON.stringify({ msg: 'memory', ...process.memoryUsage() })}\n`);
});
