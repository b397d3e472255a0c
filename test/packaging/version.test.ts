import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VERSION } from 'wsproxy-engine';

test.each(['.', 'packages/engine', 'packages/node', 'packages/cli', 'packages/client', 'packages/server'])(
  'the version that programs tell is that of %s/package.json',
  (folder) => {
    const text = readFileSync(new URL(`../../${folder}/package.json`, import.meta.url), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ version: VERSION });
  },
);
