#!/usr/bin/env node
// Before the rest is loaded: until there is a handler the signal ends a process, and a reload may come early.
for (const signal of ['SIGHUP', 'SIGUSR2']) process.on(signal, () => {});
void import('../dist/cli/cli.js');
