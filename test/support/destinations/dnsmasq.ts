import { Program } from '../programs/program.js';
import { freeDatagramPort } from '../sockets/datagram-socket.js';

/** Strings of a record that fills a datagram of more than an Ethernet frame. */
export const LONG_TEXT: readonly string[] = Array.from({ length: 12 }, (_, n) => String(n).padStart(200, 'x'));

/** A real nameserver on a free port of 127.0.0.1; it knows `known.test`, and a long text of it. */
export async function startDnsmasq(): Promise<number> {
  const port = await freeDatagramPort();
  const program = new Program('dnsmasq', [
    ...['--no-daemon', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=', '--group='],
    ...['--listen-address=127.0.0.1', '--bind-interfaces', `--port=${port}`, '--edns-packet-max=4096'],
    ...['--address=/known.test/192.0.2.7', `--txt-record=known.test,${LONG_TEXT.join()}`],
  ]);
  await program.untilStderr(/started/);
  return port;
}
