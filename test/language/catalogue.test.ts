import { readFileSync } from 'node:fs';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { CATALOGUE, translate } from '../../packages/cli/dist/chinese/index.js';
import { type Message, messagesOfFolder } from './messages-of-sources.js';

const PLACE = /\{(?:\d+|range)\}/g;

/** Where texts are for machines, for programs that embed the libraries, or for who examines a protocol. */
const NOT_FOR_USERS: Readonly<Record<string, string>> = {
  'cli/src/chinese/': 'the catalogue itself',
  'cli/src/completion/completion-script.ts': 'scripts of shells',
  'client/src/calls/': 'the library alone',
  'client/src/init/deploy-files.ts': 'files for machines',
  'client/src/inspect/ca/certificate.ts': 'certificates',
  'client/src/inspect/http/': 'what an application or a destination says wrong on the wire',
  'client/src/inspect/script/byte-source.ts': 'how a connection ends, for pages and files',
  'client/src/inspect/script/passing-body.ts': 'for the author of a script',
  'client/src/inspect/script/read-heads.ts': 'how a connection ends, for pages and files',
  'client/src/inspect/script/script.ts': 'for the author of a script',
  'client/src/inspect/script/scripted-connection.ts': 'how a connection ends, for pages and files',
  'client/src/inspect/script/thread.ts': 'for the author of a script',
  'client/src/inspect/seen/content.ts': 'a page',
  'client/src/inspect/seen/decode.ts': 'a page',
  'client/src/inspect/seen/describe.ts': 'a page',
  'client/src/inspect/seen/har-entry.ts': 'a file for machines',
  'client/src/inspect/seen/message-reader.ts': 'what an application or a destination says wrong on the wire',
  'client/src/inspect/websocket-frames.ts': 'what an application or a destination says wrong on the wire',
  'client/src/options/client-options.ts': 'the library alone',
  'client/src/options/method-options.ts': 'the library alone',
  'client/src/push/': 'the library alone',
  'client/src/reach/option-names.ts': 'names of options',
  'client/src/sockets/': 'the library alone',
  'client/src/status/': 'HTTP, and a script for browsers',
  'engine/src/': 'what a peer does wrong on the wire; its failures are in the catalogue all the same',
  'node/src/accept/http/answer-here.ts': 'HTTP',
  'node/src/accept/proxy-service.ts': 'the library alone',
  'node/src/dial/embedder-dialer.ts': 'the library alone',
  'node/src/push/': 'the library alone',
  'node/src/tls-hello/': 'what a visitor does wrong in TLS',
  'server/src/init/deploy-files.ts': 'files for machines',
  'server/src/init/next-steps.ts': 'commands for a shell',
  'server/src/admin/metrics.ts': 'help of Prometheus, for machines',
  'server/src/calls/': 'the library alone',
  'server/src/membership.ts': 'the library alone',
  'server/src/push/': 'the library alone',
  'server/src/store/redis-scripts.ts': 'scripts of Redis',
  'server/src/users/directory.ts': 'the library alone: users of a file are judged line by line before',
  'server/src/wisp/': 'what a client does wrong on the wire',
  'server/src/workers/joined-metrics.ts': 'help of Prometheus, for machines',
};

/** Texts for machines that stand among others. */
const NOT_TEXTS: ReadonlySet<string> = new Set(
  [
    // Values, units and names of options and files.
    [
      '--config <file>',
      '--id <name>',
      '--label <text>',
      '--expires <time>',
      '--for <what>',
      'socket path',
      'state file',
      'allow rule',
    ],
    ['command line', 'direct()', 'token: "sha256:{1}"', ' or ', ' ms', ' bytes', ' bytes a second', '[object Date]'],
    ['-----BEGIN CERTIFICATE-----', '-----BEGIN {1}-----[^-]+-----END {2}-----', 'hosts: files dns', 'wsproxy session'],
    // Files for machines that init writes, and what of them has changed.
    ['- { id: {1}, token: "{2}" }', '# {1} in front of wsproxy-server. wsproxy-server init has written this file.'],
    ['# Settings of wsproxy-client, written by wsproxy-client init. Every long flag can be a setting.'],
    ['a file of deploy/ does not say {1} any more', 'a unit of deploy/ starts its program in another way now'],
    [
      'wsproxy inspection {1}',
      'The CA of wsproxy-client --inspect, and its key, for: ',
      'other rules',
      'inspect rule',
      'IP Address',
    ],
    [
      '^{1}([^\\n]+)\\n(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\\n)(-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\\n)$',
    ],
    // Commands for a shell, and words of Firefox.
    ['wsproxy-client init --listen 1090', 'wsproxy-server init --host-name proxy.example.org --front caddy --reverse'],
    ['systemctl --user daemon-reload && systemctl --user enable --now wsproxy-client'],
    ['loginctl enable-linger   # {1}', 'launchctl bootstrap "gui/$(id -u)" {1}'],
    ['schtasks /Create /SC ONLOGON /TN wsproxy-client /TR "{1}"', 'chromium --proxy-server=socks5://{1}'],
    ['Firefox: Settings, Network Settings: SOCKS host and port {1}, SOCKS v5, Proxy DNS when using SOCKS v5'],
    ['# A copy of the users in the store. The server writes over it: see wsproxy-server users put.'],
    // HTTP.
    ['HTTP/1.1 101 Switching Protocols', 'HTTP/1.1 200 Connection established\r\n\r\n', 'CONNECT {1} HTTP/1.1'],
    [
      'Proxy-Authenticate: Basic realm="wsproxy", charset="UTF-8"',
      'Proxy-Status: wsproxy; error=http_response_incomplete',
    ],
    [
      'Proxy-Status: wsproxy; error=http_protocol_error',
      'Proxy-Status: wsproxy; error={1}',
      'Content-Type: text/plain',
    ],
    ['X-Content-Type-Options: nosniff', 'Connection: close', 'GET / HTTP/1.1', 'GET, HEAD', 'Upgrade, close'],
    ['authorization, wsproxy-ticket', 'POST {1} HTTP/1.1', 'socket hang up'],
    ['text/plain; charset=utf-8', 'not ready\n', 'end of chunk', 'no-store, no-transform'],
    // Alerts of TLS, as RFC 8446 calls them, and what other packages say.
    ['unexpected message', 'bad record MAC', 'decryption failed', 'record overflow', 'decompression failure'],
    ['illegal parameter', 'decode error', 'decrypt error', 'export restriction', 'inappropriate fallback'],
    ['user canceled', 'no renegotiation', 'unsupported extension', 'certificate unobtainable'],
    ['bad certificate status response', 'bad certificate hash value', 'unknown PSK identity'],
    ['no accepted authentication type', 'unknown authentication type', 'Authentication failed', 'Socket closed'],
    // What processes of a server say to each other.
    ['store entry', 'store news', 'store call', 'store reply', 'hold answer', 'hold lost', 'any port', 'this port'],
    ['never dial', 'ticket keys', ' news', 'the user takes more than {1} characters', 'ended before it had asked'],
    // What the thread of a script and the client say to each other.
    ['wants body', 'it is too late to read the body'],
    // The library alone.
    ['expected a list of { url, token }', 'connections must be at least 1', 'there must be a server', 'true or false'],
    ['an object', 'an object with the methods debug, info, warn and error', 'there is no such route: {1}'],
    ['the server was made without it', 'whether clients need a certificate cannot change', 'PEM, as text or bytes'],
    ['give one of token, users and authenticate', 'a list of users', 'sockets that may be open at a time'],
    ['without it no client may listen', 'the server was made with authenticate'],
    ['the server was made without them', 'no such user may come in', 'the origin is not among allowOrigins'],
    ['too many tickets are good and not spent', 'the user is too large for a ticket'],
    ['the server was closed; make another one', 'expected a Date when its token expires'],
  ].flat(),
);

const MESSAGES = ['cli', 'client', 'engine', 'node', 'server'].flatMap((name) =>
  messagesOfFolder(`packages/${name}/src`),
);
const KNOWN: ReadonlySet<string> = new Set(Object.keys(CATALOGUE));

function isForUsers({ text, place, isForPeople }: Message): boolean {
  const isOther = Object.keys(NOT_FOR_USERS).some((start) => place.startsWith(`packages/${start}`));
  return isForPeople && !isOther && !NOT_TEXTS.has(text) && !/^[A-Z_]+$/.test(text);
}

describe('the Chinese catalogue', () => {
  test('has every text of the sources that users may read', () => {
    const wanted = MESSAGES.filter(isForUsers);
    expect(wanted.length).toBeGreaterThan(500);
    const missing = wanted.flatMap(({ text, place }) =>
      linesOf(text)
        .filter((line) => !KNOWN.has(line) && !NOT_TEXTS.has(line))
        .map((line) => `${place}: ${JSON.stringify(line)}`),
    );
    expect(missing).toEqual([]);
  });

  test('has nothing that no source says', async () => {
    const texts = new Set([
      ...MESSAGES.flatMap(({ text }) => linesOf(text)),
      ...EVENTS.map((event) => `session ${event}`),
    ]);
    const commander = await saidByCommander();
    const unused = [...KNOWN].filter((text) => !texts.has(text) && !commander.some((said) => isMadeOf(said, text)));
    expect(unused).toEqual([]);
  });

  test('says everything in Chinese, with the same values', () => {
    const wrong = Object.entries(CATALOGUE).filter(([english, chinese]) => {
      const places = (text: string): string => [...new Set(text.match(PLACE))].sort().join();
      return places(english) !== places(chinese) || !(/\p{Script=Han}/u.test(chinese) || PROPER.has(english));
    });
    expect(wrong).toEqual([]);
  });

  test('is understood: each text, with values in it, is said as the catalogue has it', () => {
    const wrong = Object.entries(CATALOGUE).flatMap(([english, chinese]) => {
      const filled = (text: string): string => text.replaceAll(PLACE, (place) => `X${place.slice(1, -1)}`);
      const said = translate(filled(english));
      return said === filled(chinese) ? [] : [`${english} -> ${said}`];
    });
    expect(wrong).toEqual([]);
  });
});

test.each([
  ['a sentence', 'check the address and port in the URL'],
  ['one with a comma', 'WSPROXY_TOKEN or --token-file, or what --token-command prints'],
  ['one with a semicolon', 'none is not the name of a user; for one token for everybody leave --user out'],
  ['one with values', 'cannot read token file /token: no such file; check the path given with --token-file'],
])('every text that ends with a value is said whole where the value is %s', (_what, sentence) => {
  const said = translate(sentence);
  expect(said.replaceAll(/--?[\w-]+|WSPROXY_TOKEN|URL|none|token|\/token/g, '')).not.toMatch(/[a-z]{2}/i);
  const texts = Object.entries(CATALOGUE).filter(([english]) => english.endsWith('}'));
  expect(texts.length).toBeGreaterThan(100);
  const wrong = texts.flatMap(([english, chinese]) => {
    const last = english.match(PLACE)?.at(-1);
    const filled = (text: string, value: string): string =>
      text.replaceAll(PLACE, (place) => (place === last ? value : `X${place.slice(1, -1)}`));
    const all = translate(filled(english, sentence));
    return all === filled(chinese, said) ? [] : [`${english} -> ${all}`];
  });
  expect(wrong).toEqual([]);
});

test('every line of docs/client.md that a client ends with is said whole', () => {
  const [, section = ''] = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8').split(
    '\n## What it says',
  );
  const lines = Array.from(section.matchAll(/^\| `([^`]+)` \|/gm), ([, line = '']) => line);
  // What the page cuts short is no whole text, and what the system says is in its language.
  const whole = lines.filter((line) => !line.endsWith('…'));
  expect(whole.length).toBeGreaterThan(25);
  const names = /--[\w-]+|\w+:\/\/\S*|wsproxy-client init|chmod 600|proxy_\w+ [\w.]+|ulimit -n/g;
  const said = whole.map((line) => translate(line.replaceAll('…', 'X')).replaceAll(names, ''));
  expect(said.filter((line) => /[a-z]{2,} [a-z]{2,}/i.test(line))).toEqual([]);
});

/** Names, which are the same in both languages. */
const PROPER: ReadonlySet<string> = new Set([
  ...['tcp', 'tls', 'http', 'HTTPS_PROXY, ALL_PROXY, NO_PROXY', '--token-command {1}', '--socks-auth: {1}'],
  ...['authorizeListen: {1}', 'listen: {1}'],
]);

/** The lines of a text, without the commands in it, which are indented. */
function linesOf(text: string): string[] {
  if (!text.includes('\n')) return [text];
  return text.split('\n').filter((line) => /[a-z]{2}/i.test(line.replaceAll(PLACE, '')) && !line.startsWith(' '));
}

/** Words of `session ${event}`. */
const EVENTS = ['began', 'detached', 'resumed', 'over'];

/** What commander says by itself: of mistakes, and in its help. */
async function saidByCommander(): Promise<string[]> {
  const wrong = [
    ...[['--nope'], ['sub', '--nope'], ['--wor', 'x'], ['wor'], ['sub', 'a', 'b', 'c'], ['one', 'a', 'b'], ['--word']],
    ...[
      ['--size', 'x', 'w'],
      ['--word', 'x', '--other'],
      ['--wor'],
      ['one'],
      ['choice', 'x'],
      ['--wurd'],
      ['group', 'nope'],
    ],
  ];
  const said = await Promise.all([...wrong.map(failureOf), failureOf(['x', 'y']), failureOf(['one', 'x', 'y'])]);
  const help = [newProgram(), ...newProgram().commands].map((command) => command.helpInformation()).join('\n');
  return [...said, ...help.split('\n'), ...(help.match(/\[\w+\]|Usage:/g) ?? [])].map((text) => text.trimEnd());
}

function newProgram(): Command {
  const program = new Command('program')
    .configureHelp({ helpWidth: 200 })
    .exitOverride()
    .configureOutput({ writeErr() {}, outputError() {} });
  program
    .addOption(new Option('--word <word>').conflicts('other'))
    .option('--other')
    .option('--world')
    .option('--works');
  program.addOption(
    new Option('--size <n>', 'size').argParser(() => {
      throw new InvalidArgumentError('Mistake.');
    }),
  );
  program.addOption(new Option('--kind <kind>', 'kind').choices(['a', 'b']).default('a'));
  program.addOption(new Option('--way <way>', 'way').choices(['a', 'b']));
  program.addOption(new Option('--place <place>', 'place').default('here'));
  program.option('--ward').action(() => {});
  const group = new Command('group').exitOverride().configureOutput({ writeErr() {}, outputError() {} });
  program.addCommand(group.addCommand(new Command('inner')));
  for (const [name, words] of Object.entries({ sub: '[a] [b]', one: '<a>', world: '' })) {
    const command = program
      .command(`${name} ${words}`)
      .exitOverride()
      .configureOutput({ writeErr() {}, outputError() {} });
    command.allowExcessArguments(false).action(() => {});
  }
  program.addCommand(
    new Command('choice')
      .exitOverride()
      .configureOutput({ writeErr() {}, outputError() {} })
      .addArgument(new Argument('<it>', 'argument').choices(['a', 'b'])),
  );
  return program.allowExcessArguments(false);
}

async function failureOf(words: readonly string[]): Promise<string> {
  try {
    await newProgram().parseAsync(words, { from: 'user' });
    return '';
  } catch (error) {
    return (error as Error).message.replace(/^error: /, '').replaceAll('\n', ' ');
  }
}

/** Whether a template of the catalogue stands for a text, or for its end. */
function isMadeOf(said: string, template: string): boolean {
  const pattern = template
    .split(PLACE)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.+');
  return new RegExp(`${pattern}$`).test(said);
}
