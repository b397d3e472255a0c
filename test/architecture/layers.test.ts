import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

/**
 * A rule that does not bite is worse than none. So these lines are planted in a scratch workspace, all for one run of
 * the linter, which must report those that are forbidden and leave the others alone.
 */
interface Row {
  readonly file: string;
  readonly allowed: readonly string[];
  readonly forbidden: readonly string[];
}

const value = (specifier: string) => `import * as value from '${specifier}';`;
const type = (specifier: string) => `import type { Any } from '${specifier}';`;

const COMMAND_LINE = [
  value('commander'),
  value('wsproxy-cli'),
  value('node:process'),
  'process.exit(1);',
  "console.log('');",
];
const TESTING = [value('wsproxy-protocol/testing')];

const ROWS: readonly Row[] = [
  {
    file: 'packages/protocol/src/planted.ts',
    allowed: [value('./errors.js'), value('node:net')],
    forbidden: [
      ...['./frame/frame.js', './channel/channel.js', './session/session.js', './testing/index.js', './relay.js'].map(
        type,
      ),
      ...COMMAND_LINE,
      ...['ws', 'wsproxy-client', 'wsproxy-server'].map(type),
    ],
  },
  {
    file: 'packages/protocol/src/frame/planted.ts',
    allowed: [value('../constants.js'), value('./encode.js')],
    forbidden: [
      ...['../flow/send-window.js', '../resume/replay-buffer.js', '../channel/channel.js', '../session/session.js'].map(
        type,
      ),
      ...['../transport/transport.js', '../relay.js', '../index.js', '../testing/index.js'].map(type),
      ...['node:net', 'node:events', 'node:timers', 'ws', 'wsproxy-client'].map(type),
      value('./encode'),
      value('./encode.ts'),
    ],
  },
  { file: 'packages/protocol/src/frame/encode.ts', allowed: ['export const value = 1;'], forbidden: [] },
  {
    file: 'packages/protocol/src/flow/planted.ts',
    allowed: [value('../constants.js'), value('./send-window.js')],
    forbidden: ['../frame/frame.js', '../resume/replay-buffer.js', '../session/session.js', 'node:net', 'ws'].map(type),
  },
  {
    file: 'packages/protocol/src/resume/planted.ts',
    allowed: [value('../frame/frame.js'), value('../flow/memory-budget.js'), value('../errors.js')],
    forbidden: ['../channel/channel.js', '../session/session.js', '../transport/transport.js', 'node:net', 'ws'].map(
      type,
    ),
  },
  {
    file: 'packages/protocol/src/channel/planted.ts',
    allowed: [value('../frame/frame.js'), value('../flow/send-window.js'), value('node:stream')],
    forbidden: ['../session/session.js', '../transport/transport.js', '../relay.js', 'node:net', 'ws'].map(type),
  },
  {
    file: 'packages/protocol/src/session/planted.ts',
    allowed: [value('../channel/channel.js'), type('../transport/transport.js'), value('node:crypto')],
    forbidden: ['../transport/websocket-transport.js', '../relay.js', 'node:net', 'node:tls', 'ws'].map(type),
  },
  {
    file: 'packages/protocol/src/transport/planted.ts',
    allowed: [type('ws'), type('node:net'), value('./transport.js'), value('../constants.js')],
    forbidden: [value('ws'), ...['../session/session.js', '../channel/channel.js', '../relay.js'].map(type)],
  },
  {
    file: 'packages/protocol/src/transport/transport.ts',
    allowed: [type('../errors.js')],
    forbidden: ['./websocket-transport.js', '../session/session.js', '../channel/channel.js', 'ws', 'node:net'].map(
      type,
    ),
  },
  {
    file: 'packages/protocol/src/relay.ts',
    allowed: [type('./channel/channel.js'), type('node:net'), value('./failures.js')],
    forbidden: [
      './session/session.js',
      './transport/transport.js',
      './frame/frame.js',
      './flow/send-window.js',
      'ws',
    ].map(type),
  },
  {
    file: 'packages/protocol/src/index.ts',
    allowed: [value('./session/session.js'), value('./relay.js')],
    forbidden: [type('./testing/index.js'), type('ws')],
  },
  {
    file: 'packages/protocol/src/testing/planted.ts',
    allowed: [value('../transport/transport.js'), value('../clock.js')],
    forbidden: [type('wsproxy-client'), value('commander')],
  },
  {
    file: 'packages/client/src/planted.ts',
    allowed: [value('wsproxy-protocol'), value('ws'), value('./listeners/local-port.js')],
    forbidden: [...COMMAND_LINE, ...TESTING, type('./index.js'), type('wsproxy-server'), 'process.env["HOME"];'],
  },
  {
    file: 'packages/client/src/listeners/planted.ts',
    allowed: [value('wsproxy-protocol'), value('node:net'), value('./socks5-codec.js')],
    forbidden: [
      ...COMMAND_LINE,
      ...TESTING,
      ...['../connector.js', '../client.js', '../dial-websocket.js', 'ws'].map(type),
    ],
  },
  {
    file: 'packages/client/src/doctor/planted.ts',
    allowed: [value('wsproxy-protocol'), value('../open-socket.js'), value('../dial-websocket.js'), value('node:tls')],
    forbidden: [
      ...COMMAND_LINE,
      ...TESTING,
      ...['../connector.js', '../client.js', '../listeners/local-port.js', 'ws'].map(type),
    ],
  },
  {
    file: 'packages/client/src/sockets/planted.ts',
    allowed: [value('wsproxy-protocol'), type('../listeners/tunnel.js'), value('agent-base'), value('node:tls')],
    forbidden: [
      ...COMMAND_LINE,
      ...TESTING,
      ...['../connector.js', '../client.js', '../listeners/local-port.js', 'ws'].map(type),
    ],
  },
  {
    file: 'packages/client/src/status/planted.ts',
    allowed: [
      value('wsproxy-protocol'),
      value('node:http'),
      type('../client-status.js'),
      value('../listeners/accept-local.js'),
      value('./watchers.js'),
    ],
    forbidden: [
      ...COMMAND_LINE,
      ...TESTING,
      ...['../client.js', '../connector.js', '../listeners/local-port.js', '../index.js', 'ws'].map(type),
    ],
  },
  {
    file: 'packages/client/page/planted.ts',
    allowed: [value('./format.js'), type('uplot')],
    forbidden: ['../src/client-status.js', 'node:http', 'wsproxy-protocol', 'ws'].map(type),
  },
  {
    file: 'packages/client/src/connector.ts',
    allowed: [value('./backoff.js'), type('./listeners/tunnel.js'), value('wsproxy-protocol')],
    forbidden: [...COMMAND_LINE, ...TESTING, type('./listeners/local-port.js'), type('./client.js')],
  },
  {
    file: 'packages/client/src/cli.ts',
    allowed: [
      value('commander'),
      value('wsproxy-cli'),
      value('./index.js'),
      value('./cli/reach-options.js'),
      'process.env["A"];',
      "console.log('');",
    ],
    forbidden: ['./client.js', './listeners/local-port.js', 'wsproxy-protocol', 'wsproxy-server'].map(type),
  },
  {
    file: 'packages/server/src/planted.ts',
    allowed: [value('wsproxy-protocol'), value('ws'), value('./dialer.js')],
    forbidden: [...COMMAND_LINE, ...TESTING, type('wsproxy-client')],
  },
  ...['dial', 'direct-dialer', 'own-dialer', 'policy', 'resolver'].map((name) => ({
    file: `packages/server/src/${name}.ts`,
    allowed: [
      "import { type Target, TunnelError } from 'wsproxy-protocol';",
      value('node:net'),
      value('./address-class.js'),
    ],
    forbidden: [
      ...COMMAND_LINE,
      ...['ws', './server.js', './session-registry.js', './front.js'].map(type),
      "import { Session } from 'wsproxy-protocol';",
      "import { relay } from 'wsproxy-protocol';",
    ],
  })),
  {
    file: 'packages/server/src/admin/planted.ts',
    allowed: [
      ...[type('../observer.js'), type('../server.js'), value('../limits/limits.js'), value('../door.js')],
      ...[value('prom-client'), value('node:http')],
    ],
    forbidden: [
      ...COMMAND_LINE,
      ...['../front.js', '../session-registry.js', '../users/user.js', '../limits/guard.js', '../index.js'].map(type),
      ...['ws', 'wsproxy-client'].map(type),
    ],
  },
  {
    file: 'packages/server/src/users/planted.ts',
    allowed: [value('node:crypto'), type('../policy.js'), type('../limits/user-limits.js')],
    forbidden: [
      ...COMMAND_LINE,
      ...TESTING,
      ...['../session-registry.js', '../front.js', '../server.js', '../dial.js', 'ws'].map(type),
    ],
  },
  {
    file: 'packages/client/src/cli/planted.ts',
    allowed: [value('commander'), value('wsproxy-cli'), value('../index.js'), value('./reach-options.js')],
    forbidden: [
      ...['../client.js', '../listeners/local-port.js', 'wsproxy-protocol', 'wsproxy-server'].map(type),
      'process.exit(1);',
      "console.log('');",
    ],
  },
  {
    file: 'packages/server/src/limits/planted.ts',
    allowed: [value('wsproxy-protocol'), type('../users/user.js'), value('./limits.js'), value('node:fs')],
    forbidden: [
      ...COMMAND_LINE,
      ...TESTING,
      ...['../server.js', '../session-registry.js', '../front.js', '../dial.js', '../channel-handler.js', 'ws'].map(
        type,
      ),
    ],
  },
  {
    file: 'packages/server/src/cli/planted.ts',
    allowed: [
      value('commander'),
      value('wsproxy-cli'),
      value('../index.js'),
      value('../limits/limits.js'),
      value('./front-options.js'),
    ],
    forbidden: [
      ...['../server.js', '../policy.js', 'wsproxy-protocol', 'wsproxy-client'].map(type),
      'process.exit(1);',
      "console.log('');",
    ],
  },
  {
    file: 'packages/server/src/cli.ts',
    allowed: [value('commander'), value('wsproxy-cli'), value('./index.js'), 'process.env["A"];'],
    forbidden: ['./server.js', './policy.js', 'wsproxy-protocol', 'wsproxy-client'].map(type),
  },
  {
    file: 'packages/cli/src/planted.ts',
    allowed: [value('commander'), value('pino'), 'process.exit(1);'],
    forbidden: [...['wsproxy-protocol', 'wsproxy-client', 'ws'].map(type), 'process.env["A"];', "console.log('');"],
  },
  {
    file: 'packages/upstream/src/planted.ts',
    allowed: [value('wsproxy-protocol'), value('socks'), value('node:net'), value('./proxy.js')],
    forbidden: [
      ...COMMAND_LINE,
      ...TESTING,
      ...['wsproxy-client', 'wsproxy-server', 'ws', './index.js'].map(type),
      'process.env["HTTPS_PROXY"];',
    ],
  },
  {
    file: 'packages/client/test/planted.ts',
    allowed: [value('vitest'), value('ws')],
    forbidden: [type('wsproxy-server')],
  },
  {
    file: 'packages/server/test/planted.ts',
    allowed: [value('vitest'), value('ws')],
    forbidden: [type('wsproxy-client')],
  },
  { file: 'packages/protocol/test/planted.ts', allowed: [value('vitest')], forbidden: [type('wsproxy-client')] },
  {
    file: 'test/planted.ts',
    allowed: [value('wsproxy-client'), value('wsproxy-server')],
    forbidden: [value('left-pad')],
  },
  {
    file: 'packages/client/src/cycle-a.ts',
    allowed: ['export type A = 1;'],
    forbidden: ["import type { B } from './cycle-b.js';"],
  },
  {
    file: 'packages/client/src/cycle-b.ts',
    allowed: ['export type B = 1;'],
    forbidden: ["import type { A } from './cycle-a.js';"],
  },
];

const RULES = /\/(noConsole|noImportCycles|noProcessEnv|noRestricted\w+|noUndeclaredDependencies|useImportExtensions)$/;

const root = fileURLToPath(new URL('../..', import.meta.url));
const workspace = mkdtempSync(join(tmpdir(), 'wsproxy-layers-'));
afterAll(() => rmSync(workspace, { recursive: true }));

function plantRows(): void {
  const manifests = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/package.json`);
  for (const file of ['.gitignore', 'biome.json', 'biome.layers.json', 'package.json', ...manifests]) {
    cpSync(join(root, file), join(workspace, file));
  }
  for (const { file, allowed, forbidden } of ROWS) {
    mkdirSync(dirname(join(workspace, file)), { recursive: true });
    writeFileSync(join(workspace, file), [...allowed, ...forbidden].join('\n'));
  }
}

/** Every line that a rule about layers reports, as `file: line`. */
function lint(): string[] {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const options = ['lint', '--reporter=json', '--max-diagnostics=none'];
  const { stdout } = spawnSync(process.execPath, [biome, ...options], { cwd: workspace, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
  const reported = diagnostics
    .filter(({ category }) => RULES.test(category))
    .map(({ location: { path, start } }) => {
      const row = ROWS.find(({ file }) => file === path);
      return `${path}: ${[...(row?.allowed ?? []), ...(row?.forbidden ?? [])][start.line - 1]}`;
    });
  return [...new Set(reported)].sort();
}

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

describe('the layer rules', () => {
  it('report every line that crosses a layer, and no other', () => {
    plantRows();
    const expected = ROWS.flatMap(({ file, forbidden }) => forbidden.map((line) => `${file}: ${line}`));
    expect(lint()).toEqual(expected.sort());
  });

  it('speak of folders and files that exist', () => {
    const places = ROWS.map(({ file }) => (/\/(planted|cycle-\w)\.ts$/.test(file) ? dirname(file) : file));
    expect(places.filter((place) => !existsSync(join(root, place)))).toEqual([]);
  });
});
