import { SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { askSocks5, bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';
import { startClientOf, startExample } from './example.js';

const SECRET = 'a secret of the application, long enough for HS256';

function makeJwt(claims: object, { audience = 'tunnel', secret = SECRET, lifetime = '1h' } = {}): Promise<string> {
  const jwt = new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setAudience(audience);
  return jwt.setExpirationTime(lifetime).sign(new TextEncoder().encode(secret));
}

test('a Fastify application carries the tunnel of the one who has a JWT, to what it names', async () => {
  const [{ program, port }, echo, other] = await Promise.all([
    startExample('fastify-jwt', { JWT_SECRET: SECRET }),
    startEcho(),
    startEcho(),
  ]);
  const jwt = await makeJwt({ sub: 'alice', destinations: [`127.0.0.1/32:${echo.port}`] });
  const client = await startClientOf(port, jwt);
  const socket = await bySocks5(client.port, '127.0.0.1', echo.port);
  socket.write('hello');
  expect(String(await readBytes(socket, 5))).toBe('hello');
  const [denied, refused] = await askSocks5(client.port, '127.0.0.1', other.port);
  refused.destroy();
  expect(denied).toBe(2);

  const ask = async (authorization: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/sessions`, {
      headers: { authorization, connection: 'close' },
    });
    return [answer.status, await answer.json()];
  };
  expect(await ask(`Bearer ${jwt}`)).toMatchObject([200, [{ user: 'alice', channels: [{ open: true, bytesUp: 5 }] }]]);
  expect((await ask('Bearer nonsense'))[0]).toBe(401);
  socket.destroy();

  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0, stderr: '' });
});

test('a Fastify application refuses what is no JWT of its own, or not for the tunnel, or of the past', async () => {
  const { port } = await startExample('fastify-jwt', { JWT_SECRET: SECRET });
  const claims = { sub: 'alice', destinations: [] };
  const jwts = await Promise.all([
    makeJwt(claims),
    makeJwt(claims, { secret: `${SECRET}!` }),
    makeJwt(claims, { audience: 'pages' }),
    makeJwt(claims, { lifetime: '-1s' }),
    makeJwt({ destinations: [] }),
  ]);
  const statuses: number[] = [];
  for (const token of [...jwts, 'nonsense']) {
    const headers = { Authorization: `Bearer ${token}` };
    const { status, socket } = await requestUpgrade(port, headers, 'GET /tunnel HTTP/1.1');
    socket.destroy();
    statuses.push(status);
  }
  expect(statuses).toEqual([101, 401, 401, 401, 401, 401]);
});
