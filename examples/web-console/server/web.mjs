import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/main.js': ['main.js', 'text/javascript; charset=utf-8'],
  '/main.css': ['main.css', 'text/css; charset=utf-8'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};
/** Bytes of a request of the page. */
const MAX_BODY = 4096;

/**
 * The page, and what it asks of its server: to log in and out, who it is, tickets.
 *
 * @param {object} options
 * @param {string} options.origin
 * @param {import('./logins.mjs').Logins} options.logins
 * @param {(userId: string) => Promise<string>} options.makeTicket
 * @param {boolean} options.hasContainers
 * @param {(request: import('node:http').IncomingMessage) => string} options.remoteAddressOf
 * @param {{ write(event: string, fields: object): void }} options.audit
 * @param {import('./refusals.mjs').Refusals} options.refusals
 * @returns {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse) => void}
 */
export function createWeb({ origin, logins, makeTicket, hasContainers, remoteAddressOf, audit, refusals }) {
  const files = Object.fromEntries(
    Object.entries(FILES).map(([path, [name, type]]) => [path, { type, content: readBuilt(name) }]),
  );

  const posts = {
    async '/login'(request, response) {
      const { user, token } = await readBody(request);
      const cookie = logins.enter(user, token);
      const about = { user: String(user).slice(0, 64), from: remoteAddressOf(request) };
      if (cookie === undefined) {
        refusals.write(about);
        return answer(response, 401, { error: 'The user or the token is wrong.' });
      }
      audit.write('login', about);
      response.setHeader('Set-Cookie', cookie);
      answer(response, 200, {});
    },
    async '/logout'(request, response) {
      const user = logins.userOf(request);
      // A stranger is not in the log.
      if (user !== undefined) audit.write('logout', { user: user.id, from: remoteAddressOf(request) });
      response.setHeader('Set-Cookie', logins.leave(request));
      answer(response, 200, {});
    },
    async '/ticket'(request, response) {
      const user = logins.userOf(request);
      if (user === undefined) return answer(response, 401, { error: 'You are not logged in.' });
      try {
        answer(response, 200, { ticket: await makeTicket(user.id) });
      } catch (error) {
        answer(response, 503, { error: error.message });
      }
    },
  };

  return (request, response) => {
    setHeaders(response);
    serve(request, response).catch(() => {
      if (response.headersSent) response.destroy();
      else answer(response, 400, { error: 'The request is wrong.' });
    });
  };

  async function serve(request, response) {
    // As it was sent: most of what a stranger sends is no URL.
    const [path] = request.url.split('?');
    if (request.method === 'POST' && Object.hasOwn(posts, path)) {
      // A page of another origin can send a request, but not with this header.
      if (request.headers.origin !== origin)
        return answer(response, 403, { error: `The page is at ${origin}. Open it there.` });
      return posts[path](request, response);
    }
    if (request.method !== 'GET') return answer(response, 404, { error: 'There is nothing here.' });
    if (path === '/me') {
      const user = logins.userOf(request);
      return answer(response, 200, {
        user: user?.id,
        hasContainers: hasContainers && user?.containers !== undefined,
      });
    }
    if (!Object.hasOwn(files, path)) return answer(response, 404, { error: 'There is nothing here.' });
    sendFile(response, files[path]);
  }
}

/** Of this origin alone. The terminal makes style sheets, with the nonce of the page, and gives colours to letters by attributes. */
function setHeaders(response, nonce) {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self'${nonce === undefined ? '' : ` 'nonce-${nonce}'`}`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ];
  response.setHeader('Content-Security-Policy', policy.join('; '));
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Cache-Control', 'no-store');
}

function sendFile(response, { type, content }) {
  response.setHeader('Content-Type', type);
  if (!type.startsWith('text/html')) return void response.end(content);
  const nonce = randomBytes(16).toString('base64');
  setHeaders(response, nonce);
  response.end(String(content).replace('NONCE', nonce));
}

function answer(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

async function readBody(request) {
  if (Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) > MAX_BODY) throw new Error('too long');
  return json(request);
}

function readBuilt(name) {
  try {
    return readFileSync(fileURLToPath(new URL(`../dist/${name}`, import.meta.url)));
  } catch {
    throw new Error('The page is not there yet: node examples/web-console/build.mjs makes it.');
  }
}
