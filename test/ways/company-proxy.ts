import { Program } from 'wsproxy-test-support/programs/program';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { running, startSquid } from './squid.js';

/** Squid, which lets those through alone whom the authenticators know; `auth`: their lines in its configuration. */
export function startCompanyProxy(auth: string): Promise<number> {
  return startSquid(`${auth}\nacl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all`);
}

/** px, which logs in at the proxy for others on this machine. */
export async function startPx(
  proxyPort: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const port = await freePort();
  const all = [`--proxy=localhost:${proxyPort}`, `--port=${port}`, '--noproxy=', ...args];
  await running(new Program('px', all, { env, cwd: temporaryFolder() }), port);
  return port;
}
