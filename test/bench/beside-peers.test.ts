import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Ended, Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const RUN = fileURLToPath(new URL('../../bench/run.mjs', import.meta.url));

/** A tunnel without a tunnel: its server only listens, and its client, which offers SOCKS5, dials itself. */
const STAND_IN = `#!/usr/bin/env node
const { connect, createServer } = require('node:net');
const [role, ...args] = process.argv.slice(2);
const option = (name) => args[args.indexOf(name) + 1];
if (role === '--version') console.log('stand-in 1.0\\nand more');
if (role === 'server') createServer().listen(Number(option('--port')), option('--host'));
if (role === 'client') {
  const [host, port] = args.at(-1).split(':');
  createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (greeting) => {
      socket.write(Buffer.from([5, 0]));
      const request = Buffer.from(greeting.subarray(3));
      const length = request[4];
      const target = connect({ host: String(request.subarray(5, 5 + length)), port: request.readUInt16BE(5 + length), noDelay: true });
      target.on('error', () => {});
      target.once('connect', () => {
        socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
        socket.pipe(target).pipe(socket);
      });
    });
  }).listen(Number(port), host);
}
`;
const BROKEN = '#!/bin/sh\necho "the licence has run out" >&2\nexit 3\n';
const SILENT = '#!/bin/sh\n[ "$1" = -V ] || exec sleep 1000\n';

skipUnlessInstalled('openssl');

function bench(...args: string[]): Promise<Ended> {
  return new Program(process.execPath, [RUN, ...args]).ended;
}

test('other tunnels are measured beside this one, and one that fails is told and left out', async () => {
  const [peers, results] = [temporaryFolder(), temporaryFolder()];
  for (const [name, text] of Object.entries({ chisel: STAND_IN, wstunnel: BROKEN, gost: SILENT })) {
    writeFileSync(join(peers, name), text, { mode: 0o755 });
  }

  const { code, stdout, stderr } = await bench(
    '--peers',
    peers,
    '--to',
    results,
    '--quick',
    '--repeats',
    '1',
    'latency',
  );

  expect(stderr).toContain(`not in ${peers}, and left out: penguin\n`);
  expect(stderr).toMatch(/^wstunnel is left out: .* the licence has run out$/m);
  expect(stderr).toMatch(/^gost is left out: .* does not listen/m);
  expect(stdout).toContain('64 bytes there and back');
  expect(code, stderr).toBe(0);
  const { versions, data } = JSON.parse(readFileSync(join(results, 'peers-latency.json'), 'utf8'));
  expect(versions.chisel).toBe('stand-in 1.0');
  expect(Object.keys(data)).toEqual(expect.arrayContaining(['pipe', 'wsproxy', 'chisel']));
  for (const name of ['gost', 'penguin', 'wstunnel']) expect(data).not.toHaveProperty(name);
  expect(data.chisel).toEqual([{ p50: expect.any(Number), p99: expect.any(Number), cpu: expect.any(Number) }]);
  expect(readFileSync(join(results, 'peers-latency.svg'), 'utf8')).toContain('>chisel</text>');
  expect(runningFrom(peers)).toEqual([]);
});

test.each([
  ['is none', (folder: string) => join(folder, 'nowhere'), /^\S+nowhere is no folder\n$/],
  ['has no other tunnel', (folder: string) => folder, /^\S+ has none of chisel, gost, penguin, wstunnel\n$/],
])('a folder that %s is told in a line', async (_what, folderOf, line) => {
  const ended = await bench('--peers', folderOf(temporaryFolder()));
  expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(line) });
});

/** The command lines of programs that were started from `folder`. */
function runningFrom(folder: string): string[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.map(commandLine).filter((line) => line.includes(folder));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
