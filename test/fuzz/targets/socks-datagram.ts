import { deepEqual, ok } from 'node:assert/strict';
import { parseHost } from '../../../packages/engine/src/target.js';
import { encodeSocks5Header, parseSocks5Datagram } from '../../../packages/node/src/accept/socks/socks5-datagram.js';
import type { Target } from '../target.js';

/** Datagrams of SOCKS5 applications. */
export const socksDatagram: Target = {
  name: 'socks-datagram',
  run(input) {
    const datagram = parseSocks5Datagram(input);
    if (typeof datagram === 'string') return;
    const { peer, spelling, data } = datagram;
    deepEqual(parseHost(peer.host), peer.host, 'the host is canonical');
    ok(peer.port > 0 && peer.port < 65_536, 'there is such a port');
    deepEqual(input.subarray(input.length - data.length), data, 'the data is the rest');
    // Reserved bytes may be anything on their way in.
    const header = encodeSocks5Header(peer, spelling);
    deepEqual(header.subarray(2), input.subarray(2, header.length), 'an answer names its peer as the application does');
  },
};
