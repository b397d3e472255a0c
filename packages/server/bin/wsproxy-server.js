#!/usr/bin/env node
// Before the rest is loaded: until there is a handler the signal ends a process, and a reload may come early.
process.on('SIGHUP', () => {});
await import('../dist/cli/cli.js');
