// The other half of exchanges as a program of its own, so that it can stand on another host: partner.ts FOLDER ADDRESS.
// Says its port, and at the end of its input what has arrived.
import { startPartner } from 'wsproxy-test-support/traffic';
import { Books } from '../lab/books.js';
import { History } from '../lab/history.js';

const [folder = '', host = '127.0.0.1'] = process.argv.slice(2);
const books = new Books(new History(folder, 'partner'));
const { port } = await startPartner(books, { host });
process.stderr.write(`port ${port}\n`);
process.stdin.resume();
process.stdin.on('end', () => {
  process.stdout.write(`${JSON.stringify(books.balance())}\n`, () => process.exit());
});
