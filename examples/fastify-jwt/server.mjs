// A tunnel inside a Fastify application, for the one who has a JWT that it takes.
//
//   JWT_SECRET=$(head -c 32 /dev/urandom | base64) PORT=3000 node examples/fastify-jwt/server.mjs
//   wsproxy-client ws://127.0.0.1:3000/tunnel --token-file jwt
//
// The JWT (HS256, audience `tunnel`) says who it is for (`sub`), which destinations are open to them (`destinations`, as in
// docs/policy.md), and until when (`exp`).

import Fastify from 'fastify';
import { errors, jwtVerify } from 'jose';
import { createServer } from 'wsproxy-server';

const secret = new TextEncoder().encode(process.env.JWT_SECRET);
if (secret.length < 32) throw new Error('JWT_SECRET needs 32 characters or more');

/** The user of a request; undefined for the one who has no JWT that is right. */
async function userOf({ headers }) {
  const [scheme, jwt = ''] = (headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() !== 'bearer') return undefined;
  try {
    const { payload } = await jwtVerify(jwt, secret, {
      algorithms: ['HS256'],
      audience: 'tunnel',
      requiredClaims: ['sub', 'exp'],
    });
    const { sub, exp, destinations = [] } = payload;
    return { id: sub, expires: exp * 1000, policy: { deny: ['*'], allow: destinations } };
  } catch (error) {
    // Anything else that goes wrong is not the client's fault: it gets 503, and comes back.
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

const app = Fastify({ logger: { level: 'warn' } });

const tunnel = createServer({
  authenticate: userOf,
  // A session outlives its JWT, so each new connection is held against the clock.
  policy: ({ user }) => Date.now() < user.expires,
  // Of this example only, so that it can be tried without the Internet.
  allowPrivate: process.env.ALLOW_PRIVATE === 'yes',
  logger: app.log,
});

app.get('/sessions', async (request, reply) => {
  const user = await userOf(request);
  if (user === undefined) return reply.code(401).send({ error: 'a JWT is needed' });
  return tunnel.sessions().filter((session) => session.user === user.id);
});

app.server.on('upgrade', (request, socket, head) => {
  if (request.url === '/tunnel') tunnel.handleUpgrade(request, socket, head);
  else socket.destroy();
});

// Before Fastify closes its port: the connections of the tunnel would keep it open.
app.addHook('preClose', () => tunnel.close({ drain: 10_000 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void app.close());

console.log(await app.listen({ port: Number(process.env.PORT ?? 3000) }));
