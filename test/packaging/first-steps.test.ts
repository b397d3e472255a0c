import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runOnOwnMachine } from 'wsproxy-test-support/programs/own-machine';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { hostPlatform } from '../../scripts/packages/node-binary.js';
import { built, PROGRAM_KINDS, ROOT } from './built.js';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const folder = built(PROGRAM_KINDS);
/** What a user has, ms: the commands must leave room to read and to type. */
const FIVE_MINUTES = 300_000;

interface Result {
  readonly steps: readonly { readonly command: string; readonly ms: number }[];
  readonly answer: string;
  readonly fetched: boolean;
  readonly shown: boolean;
  readonly log: string;
}

describe('a new user without Node', () => {
  skipUnlessInstalled('caddy');
  skipUnlessInstalled('chromium');
  skipUnlessInstalled('curl');
  skipUnlessInstalled('python3');

  test(
    'has a page in the browser by the commands of README.md, and those that they print',
    async (context) => {
      const script = new URL('inside/first-steps.ts', import.meta.url);
      const result = await runOnOwnMachine<Result>(context, script, [folder, version, hostPlatform()], FIVE_MINUTES);
      console.log(result.steps.map(({ command, ms }) => `${String(ms).padStart(6)} ms  ${command}`).join('\n'));
      expect(result).toMatchObject({ answer: '401', fetched: true, shown: true });
      // The browser has not reached it past the tunnel.
      expect(result.log.match(/page\.test/g)?.length).toBeGreaterThanOrEqual(2);
      for (const page of ['README.md', 'docs/zh/quick-start.md']) {
        const text = readFileSync(join(ROOT, page), 'utf8');
        for (const command of [
          'wsproxy-server init',
          'wsproxy-client init',
          `tar xf wsproxy-client-${version}-linux-x64.tar.gz`,
        ])
          expect(text).toContain(command);
      }
    },
    FIVE_MINUTES,
  );
});
