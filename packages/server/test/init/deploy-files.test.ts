import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as files from '../../src/init/deploy-files.js';

const texts = new Map<string, string>(Object.entries(files));

test.each([
  ['SETTINGS', 'packages/server.yaml'],
  ['CADDY', 'Caddyfile'],
  ['NGINX', 'nginx.conf'],
  ['HAPROXY', 'haproxy.cfg'],
  ['SYSTEMD_UNIT', 'wsproxy-server.service'],
  ['SYSTEMD_SOCKET', 'wsproxy-server.socket'],
  ['CERTBOT_HOOK', 'certbot-hook.sh'],
] as const)('%s is deploy/%s; if not, run node scripts/deploy-files.js', (name, path) => {
  expect(texts.get(name)).toBe(readFileSync(new URL(`../../../../deploy/${path}`, import.meta.url), 'utf8'));
});
