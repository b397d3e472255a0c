import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { beginInspection } from '../../src/inspect/begin-inspection.js';

test('rules for hosts of very many owners are warned of, in one line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'inspect-'));
  const warn = vi.fn();
  const rules = ['*.com', 'api.example.org', '0.0.0.0/0'];
  const inspection = await beginInspection({ rules, folder }, { ca: undefined, logger: { ...silentLogger, warn } });
  await inspection.close();
  rmSync(folder, { recursive: true });
  expect(warn.mock.calls).toEqual([
    [{ rules: '*.com, 0.0.0.0/0' }, 'these rules are for hosts of very many owners; name less'],
  ]);
});
