import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import type { RecordingProxy } from './archive.js';

/** A real mitmproxy without its screen. `mode`: as of its flag. `trustedCa`: the file of the CA that destinations have. */
export async function startMitmproxy(mode: string, trustedCa: string): Promise<RecordingProxy> {
  const folder = temporaryFolder();
  const archive = join(folder, 'seen.har');
  const settings = { confdir: folder, ssl_verify_upstream_trusted_ca: trustedCa, hardump: archive };
  const program = new Program(
    'mitmdump',
    [
      ...['--listen-host', '127.0.0.1', '--listen-port', '0', '--mode', mode],
      ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ],
    { env: { PYTHONUNBUFFERED: '1' } },
  );
  const port = await program.untilStdout(/listening at 127\.0\.0\.1:(\d+)/, 30_000);
  const seen = async () => {
    program.signal('SIGINT');
    await program.ended;
    return JSON.parse(readFileSync(archive, 'utf8')).log.entries;
  };
  return { port: Number(port), ca: join(folder, 'mitmproxy-ca-cert.pem'), seen };
}
