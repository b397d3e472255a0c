import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { Keystream, KeystreamChecker } from 'wsproxy-test-support/keystream';
import { start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { type Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { askSocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

skipUnlessInstalled('openssl');
skipUnlessInstalled('curl');
skipUnlessInstalled('jq');

const NEW = 'another-token-for-tests-0123456789-0123456789';
/** At a time, and each piece of one after a pause, so that one is always longer than what happens to it. */
const DOWNLOADS = 100;
const PIECES = 20;
const PIECE = 8_192;
const PIECE_EVERY = 100;
/** New requests a second. */
const REQUESTS = 50;

const digest = (token: string) => `"sha256:${createHash('sha256').update(token).digest('hex')}"`;
const OLD_ENTRY = `{ token: ${digest(TOKEN)}, label: old }`;
const NEW_ENTRY = `{ token: ${digest(NEW)}, label: new }`;
const alice = (...tokens: string[]) => `- id: alice\n  tokens: [${tokens.join()}]\n`;

/** What runs all the time, and what became of it. */
class Load {
  readonly failures: string[] = [];
  downloads = 0;
  requests = 0;
  readonly #proxy: number;
  readonly #source: number;
  readonly #echo: number;
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(proxy: number, source: number, echo: number) {
    this.#proxy = proxy;
    this.#source = source;
    this.#echo = echo;
    for (let n = 0; n < DOWNLOADS; n++) this.#keep(this.#downloadAgain());
    const begin = performance.now();
    let begun = 0;
    // As many as are due: a busy machine may let a timer sleep.
    this.#timer = setInterval(() => {
      for (const due = ((performance.now() - begin) / 1_000) * REQUESTS; begun < due; begun++) {
        this.#keep(this.#book('request', () => this.#request()));
      }
    }, 1_000 / REQUESTS);
    atEnd(() => this.stop());
  }

  /** Lets what is under way come to its end. */
  async stop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  #keep(work: Promise<void>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  async #downloadAgain(): Promise<void> {
    while (!this.#isOver) await this.#book('download', () => this.#download());
  }

  async #book(what: string, work: () => Promise<string | undefined>): Promise<void> {
    const failure = await work().catch(String);
    if (failure !== undefined) this.failures.push(`${what}: ${failure}`);
  }

  async #download(): Promise<string | undefined> {
    const [socket, refused] = await this.#open(this.#source);
    if (refused !== undefined) return refused;
    const checker = new KeystreamChecker('day');
    const { by } = await readToEnd(socket, (chunk) => checker.push(chunk));
    socket.end();
    this.downloads += 1;
    return by === 'end' && checker.length === PIECES * PIECE ? undefined : `${checker.length} bytes, then ${by}`;
  }

  async #request(): Promise<string | undefined> {
    const [socket, refused] = await this.#open(this.#echo);
    if (refused !== undefined) return refused;
    socket.end('request');
    const { bytes, by } = await readToEnd(socket);
    this.requests += 1;
    return by === 'end' && bytes === 7 ? undefined : `${bytes} bytes, then ${by}`;
  }

  async #open(port: number): Promise<[Socket, string?]> {
    const [reply, socket] = await askSocks5(this.#proxy, '127.0.0.1', port);
    return reply === 0 ? [socket] : [socket, `reply ${reply}`];
  }
}

/** A destination that takes its time. */
function startSlowSource() {
  return listen((socket) => {
    socket.resume();
    const keystream = new Keystream('day');
    let left = PIECES;
    const timer = setInterval(() => {
      left -= 1;
      socket.write(keystream.next(PIECE));
      if (left > 0) return;
      clearInterval(timer);
      socket.end();
    }, PIECE_EVERY);
    socket.on('close', () => clearInterval(timer));
  });
}

test('a token is exchanged, users are reloaded, a certificate is renewed and both servers are restarted: nothing fails', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  /** As `mv` does, once another file is there. */
  const exchange = (name: string, content: string): void => {
    writeFileSync(at(`${name}.new`), content, { mode: 0o600 });
    renameSync(at(`${name}.new`), at(name));
  };
  const authority = new Authority('the authority of this test');
  atEnd(() => authority.remove());
  const renew = (name: string): void => {
    const { cert, key } = authority.issue(name, 'IP:127.0.0.1');
    exchange('key', key);
    exchange('cert', cert);
  };
  renew('the first');
  exchange('users.yaml', alice(OLD_ENTRY));
  exchange('token', TOKEN);
  writeFileSync(at('ca'), authority.cert);

  const files = ['--users', at('users.yaml'), '--tls-cert', at('cert'), '--tls-key', at('key')];
  const serve = (port = 0) =>
    start('wsproxy-server', [...files, '--drain', '30s', '--allow-private', '--admin', '0', '--no-access-log'], {
      token: null,
      port,
    });
  const servers = await Promise.all([serve(), serve()]);
  const urls = servers.map(({ port }) => `wss://127.0.0.1:${port}/`);
  const client = await start('wsproxy-client', [...urls, '--token-file', at('token'), '--ca', at('ca')], {
    token: null,
  });
  const [source, echo] = await Promise.all([startSlowSource(), startEcho()]);
  const load = new Load(client.port, source.port, echo.port);
  const began = performance.now();
  const moved = async (): Promise<void> => {
    const { downloads, requests } = load;
    await until('more is done', () => load.downloads > downloads + 5 && load.requests > requests + 20, 30_000);
  };
  const reload = async (line: RegExp): Promise<void> => {
    const seen = servers.map(({ program }) => program.stderr.length);
    for (const { program } of servers) program.signal('SIGHUP');
    await until('both have reloaded', () =>
      servers.every(({ program }, n) => line.test(program.stderr.slice(seen[n]))),
    );
  };
  /** The command of docs/users.md: how many sessions still use the old token. */
  const usesOfOld = async (program: Program): Promise<number> => {
    const admin = await program.untilStderr(/"admin":"([^"]+)"/);
    const script = `curl -fsS http://${admin}/sessions | jq '[.sessions[] | select(.tokenLabel == "old")] | length'`;
    const { stdout } = await run('sh', ['-c', script]);
    expect(stdout).toMatch(/^\d+\n$/);
    return Number(stdout);
  };
  await moved();

  // The token.
  exchange('users.yaml', alice(OLD_ENTRY, NEW_ENTRY));
  await reload(/"tokens":2[^\n]*users reloaded/);
  exchange('token', NEW);
  await until('nobody uses the old token', async () => {
    const uses = await Promise.all(servers.map(({ program }) => usesOfOld(program)));
    return uses.every((count) => count === 0);
  });
  exchange('users.yaml', alice(NEW_ENTRY));
  await reload(/"tokens":1[^\n]*users reloaded/);
  await moved();

  // The users.
  exchange('users.yaml', `${alice(NEW_ENTRY)}- { id: bob, token: ${digest('x'.repeat(32))} }\n`);
  await reload(/"users":2[^\n]*users reloaded/);
  await moved();

  // The certificate.
  renew('the second');
  await reload(/TLS is served with what the files hold now/);
  await moved();

  // One server, and then the other.
  for (const [n, { program, port }] of servers.entries()) {
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
    expect(program.stderr).not.toMatch(/connections were cut/);
    servers[n] = await serve(port);
    await moved();
  }

  const seconds = (performance.now() - began) / 1_000;
  await load.stop();
  console.log(
    `in ${seconds.toFixed(0)} s ${load.downloads} downloads and ${load.requests} requests, ${load.failures.length} of them failed`,
  );
  expect(load.failures).toEqual([]);
  expect([load.downloads > DOWNLOADS, load.requests >= Math.floor(seconds) * REQUESTS]).toEqual([true, true]);
});
