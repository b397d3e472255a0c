import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { launch } from 'wsproxy-test-support/programs/command-line';
import { connectTo, readBytes } from 'wsproxy-test-support/sockets/application';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** A client with a configuration file of these settings, and what gives it others. */
async function launchWithFile(settings: readonly string[], ...args: string[]) {
  const { port } = await startServer();
  const file = join(temporaryFolder(), 'client.yaml');
  const write = (lines: readonly string[]) => {
    writeFileSync(file, [`url: ws://127.0.0.1:${port}/`, 'log-format: json', ...lines, ''].join('\n'));
  };
  write(settings);
  const client = launch('wsproxy-client', ['--config', file, ...args]);
  await client.untilStderr(/"ready"/);
  await client.untilStderr(/"connected to the server"/);
  let seen = client.stderr.length;
  /** Resolves with the lines that come up to one that matches `last`. */
  const reload = async (lines: readonly string[], last: RegExp = /was read again"/): Promise<string> => {
    write(lines);
    client.signal('SIGHUP');
    await until(`${last} is told`, () => last.test(client.stderr.slice(seen)));
    const told = client.stderr.slice(seen);
    seen = client.stderr.length;
    return told;
  };
  return { client, file, reload };
}

const echoes = async (port: number): Promise<boolean> => {
  const socket = await connectTo(port);
  socket.end('hello');
  return (await readBytes(socket, 5)).toString() === 'hello';
};

describe('SIGHUP', () => {
  test('begins forwards that are new, stops those that are gone, and leaves the others alone', async () => {
    const echo = await startEcho();
    const [kept, gone, fresh] = [await freePort(), await freePort(), await freePort()];
    const entry = (port: number) => `${port}:127.0.0.1:${echo.port}`;
    const { client, reload } = await launchWithFile([`forward: ['${entry(kept)}', '${entry(gone)}']`]);
    const [onKept, onGone] = [await connectTo(kept), await connectTo(gone)];
    const told = await reload([`forward: ['${entry(fresh)}', '${entry(kept)}']`]);
    expect(told).toContain(
      `"began":"127.0.0.1:${fresh} to 127.0.0.1:${echo.port}","ended":"127.0.0.1:${gone} to 127.0.0.1:${echo.port}"`,
    );
    expect(await echoes(fresh)).toBe(true);
    await expect(connectTo(gone)).rejects.toThrow('ECONNREFUSED');
    for (const socket of [onKept, onGone]) {
      socket.end('still there');
      expect((await readBytes(socket, 11)).toString()).toBe('still there');
    }
    await reload([`forward: '${entry(gone)}'`]);
    expect(await echoes(gone)).toBe(true);
    await expect(connectTo(kept)).rejects.toThrow('ECONNREFUSED');
    client.signal('SIGTERM');
    expect(await client.ended).toMatchObject({ code: 0 });
  });

  test('leads a port to another destination, also one of datagrams', async () => {
    const [first, second] = [await startDatagramEcho(), await startDatagramEcho()];
    const [echo, nobody] = [await startEcho(), await freePort()];
    const [port, udp] = [await freePort(), await freePort()];
    const { reload } = await launchWithFile([
      `forward: ['${port}:127.0.0.1:${nobody}', '${udp}:127.0.0.1:${first.port}/udp']`,
    ]);
    await reload([`forward: ['${port}:127.0.0.1:${echo.port}', '${udp}:127.0.0.1:${second.port}/udp']`]);
    expect(await echoes(port)).toBe(true);
    const heard: string[] = [];
    const socket = await bindDatagrams((data) => void heard.push(data.toString()));
    await until('an answer has come', async () => {
      await socket.send(Buffer.from('hello'), udp);
      return heard.includes('hello');
    });
    expect([first.senders.size, second.senders.size]).toEqual([0, 1]);
  });

  test('with a mistake in the file tells it in one line, and changes nothing', async () => {
    const echo = await startEcho();
    const [kept, fresh] = [await freePort(), await freePort()];
    const { client, file, reload } = await launchWithFile([`forward: '${kept}:127.0.0.1:${echo.port}'`]);
    const lines = [`forward: '${fresh}:127.0.0.1:${echo.port}'`, 'lisen: 1080', 'grace: 10'];
    const mistake = `${file}:4: unknown setting \\"lisen\\"; did you mean listen?`;
    const told = await reload(lines, /was not read again: nothing changes"/);
    expect(told).toContain(`"mistake":"${mistake}`);
    expect(told).toContain('; 1 more: see wsproxy-client config check"');
    expect(await echoes(kept)).toBe(true);
    await expect(connectTo(fresh)).rejects.toThrow('ECONNREFUSED');
    rmSync(file);
    client.signal('SIGHUP');
    await client.untilStderr(/client\.yaml: there is no such file/);
    expect(await echoes(kept)).toBe(true);
  });

  test('tells what cannot change while the client runs', async () => {
    const { reload } = await launchWithFile(["forward: '0:127.0.0.1:9'", 'grace: 1m']);
    const told = await reload(["forward: '0:127.0.0.1:9'", 'grace: 2m', 'sni: a.example'], /next start/);
    expect(told).toContain('"settings":"grace, sni"');
    expect(told).not.toMatch(/"began"|"ended"/);
  });

  test('tells that a new forward cannot begin, and tries it again with the next SIGHUP', async () => {
    const echo = await startEcho();
    const [occupied, fresh] = [await listen((socket) => socket.destroy()), await freePort()];
    const entries = [occupied.port, fresh].map((port) => `'${port}:127.0.0.1:${echo.port}'`);
    const lines = [`forward: [${entries.join(', ')}]`];
    const { reload } = await launchWithFile(['listen: 127.0.0.1:0']);
    const told = await reload(lines, /a forward could not begin/);
    expect(told).toContain(`cannot listen on 127.0.0.1:${occupied.port}: the port is in use`);
    expect(await echoes(fresh)).toBe(true);
    await occupied.close();
    expect(await reload(lines)).toContain(`"began":"127.0.0.1:${occupied.port} to`);
    expect(await echoes(occupied.port)).toBe(true);
  });

  test('leaves -L of the command line as it is', async () => {
    const echo = await startEcho();
    const [given, fresh] = [await freePort(), await freePort()];
    const { reload } = await launchWithFile([], '-L', `${given}:127.0.0.1:${echo.port}`);
    const told = await reload([`forward: '${fresh}:127.0.0.1:${echo.port}'`]);
    expect(told).not.toMatch(/"began"|"ended"|next start/);
    expect(await echoes(given)).toBe(true);
    await expect(connectTo(fresh)).rejects.toThrow('ECONNREFUSED');
  });
});
