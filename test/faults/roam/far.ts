// What a traveller's machine reaches, on another host: far.ts FOLDER DESTINATION NETWORK... Says the port of the
// destination, and at the end of its input what has arrived. Each network, `name,nameserver,server`, has a nameserver of
// its own, which knows the tunnel by the address that leads there from this network, and a printer of this network alone.
import { once } from 'node:events';
import { startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { startPartner } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';
import { Books } from '../lab/books.js';
import { History } from '../lab/history.js';

const [folder = '', destination = '', ...networks] = process.argv.slice(2);
for (const network of networks) {
  const [name, nameserver = '', server = ''] = network.split(',');
  const addresses = new Map([
    ['tunnel.test', server],
    [`printer.${name}.test`, destination],
  ]);
  await startNameserver(
    (asked) => {
      const value = addresses.get(asked);
      return value === undefined ? 'NXDOMAIN' : { records: [{ value }] };
    },
    { host: nameserver, port: 53 },
  );
}
const books = new Books(new History(folder, 'far'));
const { port } = await startPartner(books, { host: destination });
process.stderr.write(`port ${port}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
// What the other side has sent may still be on its way.
await until('everything has arrived', () => books.isComplete, 60_000).catch(() => {});
process.stdout.write(`${JSON.stringify(books.balance())}\n`, () => process.exit());
