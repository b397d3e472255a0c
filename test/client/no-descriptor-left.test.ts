import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start } from 'wsproxy-test-support/programs/command-line';
import { askSocks5, connectTo } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const DESCRIPTORS = 64;

test(`with ${DESCRIPTORS} descriptors a client closes what it cannot serve, says so once, and comes back to its server`, async () => {
  const [echo, { port: serverPort }] = [await startEcho(), await startServer()];
  const way = await new CuttingRelay(serverPort).start();
  const { program, port } = await start('wsproxy-client', [`ws://127.0.0.1:${way.port}/`], {
    within: ['sh', '-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'sh'],
  });
  const crowd = await Promise.all(Array.from({ length: 2 * DESCRIPTORS }, () => connectTo(port)));
  for (const one of crowd) one.resume();
  const open = () => crowd.filter(({ readableEnded, closed }) => !readableEnded && !closed).length;
  await until('those beyond are closed', () => open() < DESCRIPTORS);
  expect(open()).toBeGreaterThan(DESCRIPTORS / 4);
  way.cut('reset');
  await program.untilStderr(/connected to the server[^]*connected to the server/);

  for (const one of crowd) one.destroy();
  await until('there is room, and that is told', async () => {
    const socket = await askSocks5(port, '127.0.0.1', echo.port).then(
      ([reply, socket]) => (reply === 0 ? socket : undefined),
      () => undefined,
    );
    socket?.destroy();
    return /there are descriptors again/.test(program.stderr);
  });
  expect(program.stderr.match(/no descriptor is left/g)).toHaveLength(1);
});
