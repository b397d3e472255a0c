// Run in namespaces of its own, where the files of the system that say how names are resolved are those in FOLDER:
// inside.ts FOLDER. Prints what this program and `getaddrinfo` make of each of many names, below many search lists, and
// whether a lookup that lives on notices what changes in these files.
import { lookup as getaddrinfo } from 'node:dns/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLookup } from 'wsproxy-node/dial';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { type Answer, startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { until } from 'wsproxy-test-support/until';

const [folder = ''] = process.argv.slice(2);
const { signal } = new AbortController();
const ANSWERS = ['known', 'nodata', 'NXDOMAIN', 'SERVFAIL', 'REFUSED'] as const;
/** IPv4 and IPv6 apart. Where one is refused and the other fails, getaddrinfo goes by which answer comes first. */
const APART = ANSWERS.flatMap((ipv4) => ANSWERS.slice(1).map((ipv6) => `${ipv4}_${ipv6}`)).filter(
  (word) => new Set(word.split('_')).size === 2 && word !== 'REFUSED_SERVFAIL',
);
const WORDS = [
  ...ANSWERS.flatMap((a) => ANSWERS.flatMap((b) => ['known', 'NXDOMAIN'].map((c) => [a, b, c]))),
  ...APART.flatMap((word) => [
    [word, 'NXDOMAIN', 'known'],
    ['NXDOMAIN', word, 'known'],
    ['known', word, 'NXDOMAIN'],
  ]),
];
const DOMAINS = ['one.test', 'two.test'];

/**
 * `n-nodata-known-nxdomain` has no address, has one below the first domain, and is unknown below the second. Of a word such
 * as `refused_nodata` the first half is for IPv4, the second one for IPv6.
 */
function answer(name: string, family: 4 | 6): Answer {
  const place = 1 + DOMAINS.findIndex((domain) => name.endsWith(`.${domain}`));
  const [word = '', ipv6 = word] = name.split('.')[0]?.split('-')[1 + place]?.split('_') ?? [];
  const kind = ANSWERS.find((each) => each.toLowerCase() === (family === 4 ? word : ipv6)) ?? 'NXDOMAIN';
  if (kind === 'known') return { records: [{ value: `192.0.2.${1 + place}` }] };
  return kind === 'nodata' ? { records: [] } : kind;
}

async function outcomeOf(ask: () => Promise<readonly string[]>): Promise<string> {
  return ask().then(
    (addresses) => [...new Set(addresses)].join(),
    () => 'none',
  );
}

await startNameserver(answer, { port: 53 });
await startNameserver(
  (name, family) => (name === 'there.test' ? { records: [{ value: '192.0.2.8' }] } : answer(name, family)),
  {
    host: '127.0.0.2',
    port: 53,
  },
);
const told: { config: string; name: string; ours: string; theirs: string }[] = [];
for (const ndots of [0, 1, 2]) {
  const config = `search ${DOMAINS.join(' ')}\noptions ndots:${ndots} timeout:1 attempts:1\n`;
  writeFileSync(join(folder, 'resolv.conf'), `nameserver 127.0.0.1\n${config}`);
  const lookup = createLookup();
  for (const words of WORDS) {
    for (const more of ['', '.x']) {
      const name = `n-${words.join('-').toLowerCase()}${more}`;
      const [ours, theirs] = await Promise.all([
        outcomeOf(() => lookup(name, signal)),
        outcomeOf(async () => (await getaddrinfo(name, { all: true })).map(({ address }) => address)),
      ]);
      told.push({ config, name, ours, theirs });
    }
  }
}

const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
write('resolv.conf', 'nameserver 127.0.0.1\n');
const living = createLookup();
const find = (name: string) => outcomeOf(() => living(name, signal));
const NAMES = ['n-nodata-nodata-known', 'there.test', 'name.module', 'host'];
const before = await Promise.all(NAMES.map(find));
write('resolv.conf', 'nameserver 127.0.0.2\nsearch one.test two.test\n');
write('nsswitch.conf', 'hosts: files module dns\n');
write('hosts', '192.0.2.9 host\n');
let after = before;
await until('the files are read again', async () => {
  after = await Promise.all(NAMES.map(find));
  return !after.includes('none');
});
process.stdout.write(`${JSON.stringify({ told, before, after })}\n`);
await endAll();
