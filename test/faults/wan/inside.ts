// Run on one of the two hosts that bench/netlab makes: the client and the application are here, the server and the
// destination on the other. inside.ts FOLDER BYTES prints what has arrived at both, and how long it took.
import { fileURLToPath } from 'node:url';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { Program } from 'wsproxy-test-support/programs/program';
import { bySocks5 } from 'wsproxy-test-support/sockets/application';
import { exchange } from 'wsproxy-test-support/traffic';
import { Books } from '../lab/books.js';
import { End } from '../lab/end.js';
import { History } from '../lab/history.js';
import { serverArguments } from '../lab/lab.js';

const [folder = '', bytes = '0'] = process.argv.slice(2);
const { B = '', B_IP: host = '' } = process.env;
const within = B.split(' ');
const [netns = '', ...words] = within;
const script = fileURLToPath(new URL('partner.ts', import.meta.url));

const partner = new Program(netns, [...words, process.execPath, '--import', 'tsx', script, folder, host], {
  input: 'open',
});
const port = Number(await partner.untilStderr(/port (\d+)/, 30_000));
const server = await End.start('wsproxy-server', serverArguments(), { within, host });
const client = await End.start('wsproxy-client', [`ws://${host}:${server.port}/`, '--insecure']);
const books = new Books(new History(folder, 'application'));
const start = performance.now();
const length = Number(bytes);
const agreed = { kind: 'after', seed: 'wan', up: length, down: length, pause: 0 } as const;
await exchange(bySocks5, client.port, port, agreed, books, host);
const seconds = (performance.now() - start) / 1000;
partner.child.stdin?.end();
const { stdout } = await partner.ended;
const { welcomes } = client;
await endAll();
console.log(JSON.stringify({ seconds, welcomes, balances: [books.balance(), JSON.parse(stdout)] }));
