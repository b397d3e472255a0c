import { Duplex } from 'node:stream';

/** Two streams of which each brings what is written to the other, and ends when that has ended. */
export function streamPair(): [Duplex, Duplex] {
  const one: Duplex = end(() => other);
  const other: Duplex = end(() => one);
  return [one, other];
}

function end(peer: () => Duplex): Duplex {
  return new Duplex({
    allowHalfOpen: true,
    read() {},
    write(chunk: Buffer, _encoding, done) {
      peer().push(chunk);
      done();
    },
    final(done) {
      peer().push(null);
      done();
    },
  });
}
