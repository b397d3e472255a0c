import type { Peer } from 'wsproxy-engine';
import { encodeSocks5Header, parseSocks5Datagram, type Socks5Datagram } from './socks5-datagram.js';
import { Spellings } from './spellings.js';

/** The headers of the datagrams of one application. They come in rows: what is as it was the last time is not read again. */
export class DatagramHeaders {
  readonly #spellings = new Spellings();
  /** Of the datagram that the application has sent last. */
  #asked: { readonly bytes: Buffer; readonly peer: Peer } | undefined;
  /** Of the one that it was sent last. */
  #answered: { readonly bytes: Buffer; readonly peer: Peer } | undefined;

  /** As `parseSocks5Datagram`. */
  read(bytes: Buffer): Pick<Socks5Datagram, 'peer' | 'data'> | 'fragment' | 'malformed' {
    const last = this.#asked;
    if (last !== undefined && beginsWith(bytes, last.bytes)) {
      return { peer: last.peer, data: bytes.subarray(last.bytes.length) };
    }
    const datagram = parseSocks5Datagram(bytes);
    if (typeof datagram === 'string') return datagram;
    // A copy: what it stands in may be large.
    const own = Buffer.from(bytes.subarray(0, bytes.length - datagram.data.length));
    this.#asked = { bytes: own, peer: datagram.peer };
    this.#answered = undefined;
    this.#spellings.note(datagram);
    return datagram;
  }

  /** A datagram from `peer`, as the application spells it, with a copy of `data`. */
  write(peer: Peer, data: Uint8Array): Buffer {
    const header = this.#headerOf(peer);
    const datagram = Buffer.allocUnsafe(header.length + data.length);
    datagram.set(header);
    datagram.set(data, header.length);
    return datagram;
  }

  #headerOf(peer: Peer): Buffer {
    const last = this.#answered;
    if (last !== undefined && last.peer.host === peer.host && last.peer.port === peer.port) return last.bytes;
    const bytes = encodeSocks5Header(peer, this.#spellings.of(peer.host));
    this.#answered = { bytes, peer };
    return bytes;
  }
}

function beginsWith(bytes: Buffer, header: Buffer): boolean {
  return bytes.length >= header.length && header.compare(bytes, 0, header.length) === 0;
}
