import { describe, expect, test } from 'vitest';
import type { ProjectConfig } from 'vitest/node';
import { CHROMIUM } from 'wsproxy-test-support/programs/chromium-program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import config from '../../vitest.config.js';

describe('the engine', () => {
  skipUnlessInstalled(CHROMIUM);

  test('is proved in Chromium by every unit test that it has', () => {
    const projects = (config.test?.projects ?? []) as { test: ProjectConfig }[];
    const inChromium = projects.map((project) => project.test).find(({ name }) => name === 'chromium');
    expect(inChromium?.include).toEqual(['packages/engine/test/**/*.test.ts']);
    expect(inChromium?.exclude).toBeUndefined();
  });
});
