import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const LENGTH = 3_000_000;
/** Only the server can resolve it. */
const NAME = 'chained.test';

describe('proxychains4', () => {
  skipUnlessInstalled('proxychains4');
  skipUnlessInstalled('curl');

  test.each(['socks5', 'socks4', 'http'])(
    'leads curl, which knows nothing of it, through the tunnel by %s',
    async (kind) => {
      const nameserver = await startNameserver(() => ({ records: [{ value: '127.0.0.1' }] }));
      const [{ port }, files] = await Promise.all([
        startTunnel({ server: { egress: { nameservers: [nameserver.address] } } }),
        startWebFiles(),
      ]);
      const [config, file] = ['proxychains.conf', 'file'].map((name) => join(temporaryFolder(), name)) as [
        string,
        string,
      ];
      writeFileSync(config, `strict_chain\nproxy_dns\n[ProxyList]\n${kind} 127.0.0.1 ${port}\n`);
      const url = `http://${NAME}:${files.port}/chained/${LENGTH}`;
      const ended = await run('proxychains4', ['-q', '-f', config, 'curl', '-sS', '-o', file, url]);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(await sha256OfFile(file)).toBe(await sha256OfKeystream('chained', LENGTH));
      expect(nameserver.questions).toContain(NAME);
    },
  );
});
