import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { start } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { parse, stringify } from 'yaml';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const RULES = join(DEPLOY, 'prometheus-alerts.yaml');

type Series = Readonly<Record<string, string>>;

/** The samples of a series, one a minute (promtool's notation), by which an alert fires within the hour and a half. */
const EXAMPLES: Readonly<Record<string, Series>> = {
  WsproxyDown: { 'up{job="wsproxy"}': '0x90' },
  WsproxyNotReady: { wsproxy_ready: '0x90' },
  // By the clock of the test it is 1970.
  WsproxyCertificateExpires: { wsproxy_certificate_expiry_timestamp_seconds: '86400x90' },
  WsproxyDialsFail: {
    'wsproxy_dials_total{outcome="ok"}': '0+10x90',
    'wsproxy_dials_total{outcome="CONNECTION_REFUSED"}': '0+30x90',
  },
  WsproxyDialsSlow: {
    'wsproxy_dial_duration_seconds_bucket{result="ok",le="1"}': '0x90',
    'wsproxy_dial_duration_seconds_bucket{result="ok",le="5"}': '0+10x90',
    'wsproxy_dial_duration_seconds_bucket{result="ok",le="+Inf"}': '0+10x90',
  },
  WsproxyRoundTripLong: {
    'wsproxy_round_trip_seconds_bucket{le="1"}': '0x90',
    'wsproxy_round_trip_seconds_bucket{le="5"}': '0+10x90',
    'wsproxy_round_trip_seconds_bucket{le="+Inf"}': '0+10x90',
  },
  WsproxyTransportsCut: {
    'wsproxy_sessions{state="attached"}': '10x90',
    wsproxy_detaches_total: '0+10x90',
  },
  WsproxyWrongTokens: { 'wsproxy_refused_requests_total{status="401"}': '0+60x90' },
  WsproxyLimitHit: { 'wsproxy_limits_hit_total{limit="channels"}': '0+5x90' },
  WsproxyDescriptors: { 'process_open_fds{job="wsproxy"}': '900x90', 'process_max_fds{job="wsproxy"}': '1000x90' },
  WsproxyBusy: { 'nodejs_eventloop_lag_p99_seconds{job="wsproxy"}': '0.5x90' },
};

/** A server that is well. */
const WELL: Series = {
  'up{job="wsproxy"}': '1x90',
  wsproxy_ready: '1x90',
  wsproxy_certificate_expiry_timestamp_seconds: '0x90',
  'wsproxy_dials_total{outcome="ok"}': '0+60x90',
  'wsproxy_dials_total{outcome="NAME_NOT_FOUND"}': '0+90x90',
  'wsproxy_dial_duration_seconds_bucket{result="ok",le="1"}': '0+60x90',
  'wsproxy_dial_duration_seconds_bucket{result="ok",le="+Inf"}': '0+60x90',
  'wsproxy_round_trip_seconds_bucket{le="0.1"}': '0+60x90',
  'wsproxy_round_trip_seconds_bucket{le="+Inf"}': '0+60x90',
  'wsproxy_sessions{state="attached"}': '10x90',
  wsproxy_detaches_total: '0+1x90',
  'wsproxy_refused_requests_total{status="401"}': '0+1x90',
  'wsproxy_limits_hit_total{limit="channels"}': '0x90',
  'process_open_fds{job="wsproxy"}': '100x90',
  'process_max_fds{job="wsproxy"}': '1000x90',
  'nodejs_eventloop_lag_p99_seconds{job="wsproxy"}': '0.02x90',
};

function firing(series: Series, name: string, expected: number[]): object {
  const expr = name === '' ? 'count(ALERTS)' : `count(ALERTS{alertname="${name}",alertstate="firing"})`;
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([of, values]) => ({ series: withInstance(of), values })),
    promql_expr_test: [{ expr, eval_time: '85m', exp_samples: expected.map((value) => ({ labels: '{}', value })) }],
  };
}

function withInstance(series: string): string {
  return series.endsWith('}') ? series.replace('}', ',instance="a:9090"}') : `${series}{instance="a:9090"}`;
}

describe('what is there for Prometheus', () => {
  skipUnlessInstalled('promtool');

  test('is a configuration with rules that promtool takes', async () => {
    const { code, stdout, stderr } = await run('promtool', ['check', 'config', join(DEPLOY, 'prometheus.yaml')]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/SUCCESS: [1-9]\d* rules found/);
  });

  test('fires each alert when it should, and none for a server that is well', async () => {
    const { groups } = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: { alert: string }[] }[] };
    expect(Object.keys(EXAMPLES)).toEqual(groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)));
    const cases = Object.entries(EXAMPLES).map(([name, series]) => firing(series, name, [1]));
    const file = join(temporaryFolder(), 'alerts-test.yaml');
    writeFileSync(file, stringify({ rule_files: [RULES], tests: [...cases, firing(WELL, '', [])] }));
    const { code, stdout, stderr } = await run('promtool', ['test', 'rules', file]);
    expect([code, stderr], stdout).toEqual([0, '']);
  });

  test('reads the metrics of a server, and finds nothing to mend in ours', async () => {
    const server = await start('wsproxy-server', ['--admin', '0', '--admin-host', 'wsproxy']);
    const admin = await server.program.untilStderr(/"admin":"([^"]+)"/);
    const response = await fetch(`http://${admin}/metrics`, { headers: { connection: 'close' } });
    const lines = (await response.text()).split('\n').filter((line) => line.includes('wsproxy_'));
    const { code, stderr } = await run('promtool', ['check', 'metrics'], { input: `${lines.join('\n')}\n` });
    expect([code, stderr]).toEqual([0, '']);
  });
});
