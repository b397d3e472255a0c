import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The page that receives messages, and the tickets by which it comes in.
 *
 * @param {object} options
 * @param {string} options.origin where the page is
 * @param {{ id: string, tokenSha256: string }[]} options.users
 * @param {import('wsproxy-server').Server} options.tunnel
 */
export async function createPage({ origin, users, tunnel }) {
  const [html, script] = await Promise.all([readFile(here('page/index.html')), bundle()]);

  /** Answers a request for the page, or for a ticket; false for any other. */
  return async ({ method, url, headers }, response) => {
    if (method === 'GET' && url === '/') return send(response, 'text/html; charset=utf-8', html);
    if (method === 'GET' && url === '/main.js') return send(response, 'text/javascript', script);
    if (method !== 'POST' || url !== '/ticket') return false;
    const tokenSha256 = sha256(headers.authorization?.replace(/^Bearer +/i, ''));
    const user = users.find((one) => one.tokenSha256 === tokenSha256);
    if (headers.origin !== origin) return send(response, 'text/plain', `the page is at ${origin}`, 403);
    if (user === undefined) return send(response, 'text/plain', '', 401);
    try {
      const { ticket } = await tunnel.createTicket({ id: user.id }, { origin });
      return send(response, 'application/json', JSON.stringify({ ticket }));
    } catch ({ message }) {
      // Too many tickets that nobody has spent: the page asks again.
      return send(response, 'text/plain', message, 503);
    }
  };
}

function send(response, type, content, status = 200) {
  response.writeHead(status, { 'Content-Type': type, 'Content-Security-Policy': POLICY, 'Cache-Control': 'no-store' });
  response.end(content);
  return true;
}

async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [here('page/main.js')],
    bundle: true,
    format: 'esm',
    write: false,
  });
  return outputFiles[0].contents;
}

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const sha256 = (text = '') => createHash('sha256').update(text).digest('hex');
