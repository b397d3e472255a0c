// Loaded into a program whose memory is measured: on SIGUSR2 it collects garbage, gives free pages back to the system, and
// tells on standard error what is left.
process.on('SIGUSR2', () => {
  const thorough = { type: 'major', execution: 'sync', flavor: 'last-resort' };
  for (let i = 0; i < 3; i++) void globalThis.gc(thorough);
  process.stderr.write(`${JSON.stringify({ msg: 'memory', ...process.memoryUsage() })}\n`);
});
