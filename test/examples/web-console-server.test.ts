import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { until } from 'wsproxy-test-support/until';
import { buildConsole, startConsole } from './console-page.js';
import { CONTROL, DATA, message, readMessage, startContainerClient } from './container-channel.js';
import { startFakeEngine } from './fake-engine.js';

beforeAll(buildConsole);

describe('the server of the web console', () => {
  test('has nothing where a request names no file, and lives on', async () => {
    const { origin } = await startConsole();
    for (const path of ['//', 'http://[', '/%', '*', '/constructor']) expect(await statusOf(origin, path)).toBe(404);
    expect(await (await fetch(`${origin}/me`)).json()).toEqual({ hasContainers: false });
  });

  test('says at its start why nobody gets to a container', async () => {
    const containers = [{ name: 'web-*', may: ['exec'] }];
    const said = async (config: object, line: RegExp): Promise<void> => {
      const { program } = await startConsole({ containers, ...config });
      await until(`it says ${line}`, () => line.test(program.stderr));
    };
    await said({}, /^\S+: user "alice": rules for containers do nothing without "containerEngine"\n$/);
    const containerEngine = '/nowhere.sock';
    await said({ containerEngine }, /^\S+: containerEngine: there is no socket at \/nowhere\.sock, [^\n]+\n$/);
  });

  test('names its origin to a page of another one', async () => {
    const { origin } = await startConsole();
    const answer = await fetch(`${origin}/login`, { method: 'POST', headers: { origin: 'http://localhost' } });
    expect(await answer.json()).toEqual({ error: `The page is at ${origin}. Open it there.` });
  });

  test('has no strangers in its log who log out, and no address that they choose', async () => {
    const { origin, audited } = await startConsole({ trustedProxies: ['10.9.9.9'] });
    const headers = { origin, 'x-forwarded-for': '203.0.113.1' };
    const post = (path: string, body: object) =>
      fetch(`${origin}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await post('/logout', {})).status).toBe(200);
    expect((await post('/login', { user: 'alice', token: 'wrong' })).status).toBe(401);
    await until('the log has the login', () => audited().length > 0);
    expect(audited()).toMatchObject([{ event: 'login refused', user: 'alice', from: '127.0.0.1' }]);
  });

  test('gives the channel of a list and of a refusal back, so that all consoles of a user stay free', async () => {
    const engine = await startFakeEngine();
    const containers = [{ name: 'web-*', may: ['exec'] }];
    const { origin } = await startConsole({ containers, containerEngine: engine.path, consoles: 2 });
    const client = startContainerClient(origin);
    for (let turn = 0; turn < 5; turn++) {
      expect(await client.ask({ do: 'list' })).toMatchObject({ containers: [{ name: 'web-1' }] });
      expect(await client.ask({ do: 'exec', container: 'db-1' })).toEqual({ error: expect.any(String) });
    }
    for (let count = 0; count < 2; count++) {
      const console = await client.open({ do: 'exec', container: 'web-1' });
      expect(JSON.parse((await readMessage(console)).text)).toEqual(BEGUN);
    }
  });

  test('gives up a console that is closed while it waits for the engine', async () => {
    const engine = await startFakeEngine();
    const containers = [{ name: 'web-*', may: ['exec', 'attach', 'logs'] }];
    const { origin, audited } = await startConsole({ containers, containerEngine: engine.path });
    const client = startContainerClient(origin);
    for (const [silentFor, action] of SILENCES) {
      engine.state.silentFor = silentFor;
      const console = await client.open({ do: action, container: 'web-1' });
      await until('the engine is asked', () => silentFor.test(engine.state.asked.at(-1) ?? ''));
      // As the page does.
      console.resetAndDestroy();
      await until('its connection is closed', () => engine.state.open.size === 0);
    }
    const count = (event: string) => audited().filter((line) => line.event === event).length;
    await until('the log has their ends', () => count('container closed') === 3);
    expect(count('container opened')).toBe(3);
  });

  test('closes the channel of a console that says what it cannot read', async () => {
    const engine = await startFakeEngine();
    const containers = [{ name: 'web-1', may: ['exec'] }];
    const { origin, audited } = await startConsole({ containers, containerEngine: engine.path });
    const console = await startContainerClient(origin).open(EXEC);
    expect(JSON.parse((await readMessage(console)).text)).toEqual(BEGUN);
    console.write(message(CONTROL, 'no JSON'));
    await expect(readMessage(console)).rejects.toThrow('The server has closed the channel.');
    await until('its end is in the log', () => audited().some(({ event }) => event === 'container closed'));
  });

  test('ends consoles whose rule is removed, also where the page reads nothing, and no others', async () => {
    const engine = await startFakeEngine();
    const rule = { name: 'web-*', may: ['exec', 'attach', 'logs'] };
    const server = await startConsole({ containers: [rule], containerEngine: engine.path });
    const client = startContainerClient(server.origin);
    const [command, stays] = [await client.open(EXEC), await client.open({ do: 'attach', container: 'web-1' })];
    for (const console of [command, stays]) expect(JSON.parse((await readMessage(console)).text)).toEqual(BEGUN);
    const unread = await client.open({ do: 'exec', container: 'web-1', command: 'unread' });
    unread.write(message(DATA, 'x'.repeat(1_000_000)));
    unread.pause();
    await until('all of them have begun', () => server.audited().filter(isOpened).length === 3);
    server.writeUsers({ ...server.alice, containers: [{ ...rule, may: ['attach'] }] });
    server.program.signal('SIGHUP');
    const error = 'You may exec in a container of this name no longer.';
    expect(JSON.parse((await readMessage(command)).text)).toEqual({ error });
    await until(
      'both are over',
      () => server.audited().filter(({ event }) => event === 'container closed').length === 2,
    );
    // The engine is asked to end what still runs.
    expect(engine.state.asked.filter((line) => /\/exec$/.test(line))).toHaveLength(4);
    stays.write(message(DATA, 'still here'));
    expect((await readMessage(stays)).text).toBe('still here');
    expect(await client.ask(EXEC)).toEqual({ error: expect.stringMatching(/^You may not exec /) });
  });

  test('refuses a command that the log would not have whole', async () => {
    const engine = await startFakeEngine();
    const containers = [{ name: 'web-1', may: ['exec'] }];
    const { origin, audited } = await startConsole({ containers, containerEngine: engine.path });
    const client = startContainerClient(origin);
    const error = 'A command is text of up to 4096 characters.';
    expect(await client.ask({ ...EXEC, command: 'x'.repeat(4097) })).toEqual({ error });
    expect(await client.ask({ ...EXEC, command: ['rm', '-rf'] })).toEqual({ error });
    const command = 'x'.repeat(4096);
    expect(await client.ask({ ...EXEC, command })).toEqual(BEGUN);
    await until('it is in the log', () => audited().some(isOpened));
    expect(audited().filter(isOpened)).toMatchObject([{ command }]);
  });
});

const EXEC = { do: 'exec', container: 'web-1' };
const BEGUN = { recorded: false, isTerminal: true };
/** Requests that get no answer, and the consoles that make them. */
const SILENCES: [RegExp, string][] = [
  [/containers\/json/, 'exec'],
  [/exec$/, 'exec'],
  [/attach/, 'attach'],
  [/logs/, 'logs'],
];
const isOpened = ({ event }: { readonly event: string }) => event === 'container opened';

/** The status of the answer to a GET with this path, which need not be one. */
async function statusOf(origin: string, path: string): Promise<number | undefined> {
  const { port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, agent: false });
    sent.once('response', (response) => void text(response).then(() => resolve(response.statusCode)));
    sent.once('error', reject).end();
  });
}
