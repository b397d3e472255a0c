import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as files from '../../src/init/deploy-files.js';

const texts = new Map<string, string>(Object.entries(files));

test.each([
  ['SYSTEMD_UNIT', 'wsproxy-client.service'],
  ['LAUNCHD_LIST', 'org.wsproxy.client.plist'],
] as const)('%s is deploy/%s; if not, run node scripts/deploy-files.js', (name, path) => {
  expect(texts.get(name)).toBe(readFileSync(new URL(`../../../../deploy/${path}`, import.meta.url), 'utf8'));
});
