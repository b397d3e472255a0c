import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configuration, type Place, startUntilListening } from './reverse-proxy.js';

/** Starts HAProxy with the file of deploy/, `change`d on purpose. */
export async function startHaproxy({ folder, port, serverPort, certificate }: Place, change = (text: string) => text) {
  const pem = join(folder, 'pem');
  writeFileSync(pem, certificate.cert + readFileSync(join(folder, 'key'), 'utf8'));
  const text = configuration('haproxy.cfg', [
    // These three need root.
    ['    user haproxy\n', ''],
    ['    group haproxy\n', ''],
    ['    chroot /var/lib/haproxy\n', ''],
    ['hard-stop-after 10s', 'hard-stop-after 1s'],
    ['/etc/haproxy/certs/proxy.example.org.pem', pem],
    [' :443', ` 127.0.0.1:${port}`],
    [':::443', `::1:${port}`],
    ['127.0.0.1:8080', `127.0.0.1:${serverPort}`],
  ]);
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, change(text));
  const haproxy = await startUntilListening('haproxy', ['-W', '-f', file], port);
  // As `systemctl reload haproxy` does: a new process takes the port, the old one stops softly, and then hard.
  return { reload: () => haproxy.signal('SIGUSR2') };
}
