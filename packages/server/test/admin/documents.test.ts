import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { Metrics } from '../../src/admin/metrics.js';
import { JoinedMetrics } from '../../src/workers/joined-metrics.js';

const read = (path: string) => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

/** What `/metrics` knows, whether it has happened already or not, also with workers. */
async function printed(): Promise<string[]> {
  const own = await new Metrics({
    isReady: true,
    sessions: () => [],
    userIds: [],
    certificateExpires: undefined,
    passedOn: 0,
    sharing: { isReached: true, held: new Map(), calls: { answered: 0, failed: 0, ms: 0 } },
  }).print();
  const parent = { workers: [], takers: [], retired: new Set<never>(), generation: 1, isReady: true };
  const joined = await new JoinedMetrics(parent, 0).print();
  const text = own + joined;
  return [...new Set(Array.from(text.matchAll(/^# TYPE (\S+) /gm), ([, name]) => String(name)))].sort();
}

interface Dashboard {
  readonly schemaVersion: number;
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly query: string }[] };
}

interface Alerts {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}

const LINUX_ONLY = ['process_open_fds', 'process_max_fds'];

/** The metrics in expressions; those of a histogram by its own name. */
function namesIn(texts: readonly string[]): string[] {
  const names = texts.join(' ').match(/\b(?:wsproxy|process|nodejs)_\w+/g) ?? [];
  return names.map((name) => name.replace(/_bucket$/, ''));
}

const dashboard = JSON.parse(read('deploy/grafana-dashboard.json')) as Dashboard;
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

test('docs/observing.md gives every metric a meaning, and no other', async () => {
  const rows = read('docs/observing.md').matchAll(/^\| `((?:wsproxy|process|nodejs)_\w+)` \|(?:.*\|)? (.+) \|$/gm);
  const documented = [...rows].map(([, name, meaning]) => (meaning?.trim() ? String(name) : `${name} has no meaning`));
  // Only Linux tells these.
  const elsewhere = /^process_(virtual_memory_bytes|heap_bytes|open_fds|max_fds)$/;
  const expected = await printed();
  const missing = documented.filter((name) => !expected.includes(name) && !elsewhere.test(name));
  expect({ undocumented: expected.filter((name) => !documented.includes(name)), missing }).toEqual({
    undocumented: [],
    missing: [],
  });
  expect(new Set(documented).size).toBe(documented.length);
});

test('the dashboard asks for metrics that exist, and shows every one of ours', async () => {
  const known = await printed();
  const asked = namesIn([...expressions, ...dashboard.templating.list.map(({ query }) => query)]);
  expect(asked.filter((name) => ![...known, ...LINUX_ONLY].includes(name))).toEqual([]);
  expect(known.filter((name) => name.startsWith('wsproxy_') && !asked.includes(name))).toEqual([]);
});

test('the alerts ask for metrics that exist', async () => {
  const { groups } = parse(read('deploy/prometheus-alerts.yaml')) as Alerts;
  const asked = namesIn(groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)));
  const known = await printed();
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter((name) => ![...known, ...LINUX_ONLY].includes(name))).toEqual([]);
});

test('the dashboard is one that Grafana imports', () => {
  expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { title, targets } of dashboard.panels) expect([title, targets.length > 0]).toEqual([title, true]);
  for (const expr of expressions)
    expect([...expr].filter((c) => '([{'.includes(c)).length).toBe(expr.match(/[)\]}]/g)?.length);
});
