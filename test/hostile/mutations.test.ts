import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frame, hello, key, open, Type, u64 } from 'wsproxy-test-support/wire/hand-written-frames';
import { RawPeer } from 'wsproxy-test-support/wire/raw-peer';
import { startBystander } from './bystander.js';

const RUNS = 500;
/** What a server may close with when it is told nonsense (PROTOCOL.md, "Close codes"), or when we close. */
const ALLOWED: readonly number[] = [1000, 4002, 4003, 4004, 4005, 4006];

/** Changes to a byte stream: a byte is replaced, or a stretch of it is cut out or sent twice. */
type Mutation =
  | { readonly kind: 'replace'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut' | 'repeat'; readonly at: number; readonly length: number };

const position = fc.nat(10_000);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('replace' as const), at: position, value: fc.nat(255) }),
  fc.record({ kind: fc.constantFrom('cut' as const, 'repeat' as const), at: position, length: fc.nat(40) }),
);

/**
 * `target` must stay as it is: the server would resolve and dial anything that came out of it. Zeros in the other payloads
 * see to it that nothing in them can be read as a host either.
 */
function mutate(bytes: Buffer, target: Buffer, mutations: readonly Mutation[]): Buffer {
  const start = bytes.indexOf(target);
  let [before, after] = [bytes.subarray(0, start), bytes.subarray(start + target.length)];
  for (const each of mutations) {
    if (each.at % 2 === 0) before = apply(before, each);
    else after = apply(after, each);
  }
  return Buffer.concat([before, target, after]);
}

function apply(bytes: Buffer, mutation: Mutation): Buffer {
  if (bytes.length === 0) return bytes;
  const at = (mutation.at >> 1) % bytes.length;
  if (mutation.kind === 'replace') {
    return Buffer.concat([bytes.subarray(0, at), Buffer.of(mutation.value), bytes.subarray(at + 1)]);
  }
  const end = at + mutation.length;
  const stretch = bytes.subarray(at, end);
  return Buffer.concat([
    bytes.subarray(0, at),
    ...(mutation.kind === 'repeat' ? [stretch, stretch] : []),
    bytes.subarray(end),
  ]);
}

test('F20 a good session, mutated, never does more than end itself', async () => {
  const { port, echoPort, expectUnharmed } = await startBystander();
  const target = Buffer.concat([Buffer.of(echoPort >> 8, echoPort & 0xff), Buffer.from('127.0.0.1')]);
  const session = (number: number) =>
    Buffer.concat([
      hello(key(number)),
      open(1, '127.0.0.1', echoPort),
      frame(Type.data, 1, Buffer.alloc(100)),
      frame(Type.ping, 0, u64(0)),
      frame(Type.window, 1, u64(300_000)),
      frame(Type.ack, 0, u64(0)),
      frame(Type.data, 1, Buffer.alloc(50)),
      frame(Type.fin, 1),
      frame(0xc8, 0, Buffer.alloc(20)),
      frame(Type.reset, 1, Buffer.of(0, 13)),
    ]);

  await fc.assert(
    fc.asyncProperty(fc.nat(255), fc.array(mutation, { minLength: 1, maxLength: 4 }), async (number, mutations) => {
      const peer = await RawPeer.connect(port);
      peer.send(mutate(session(number), target, mutations));
      peer.webSocket.close(1000);
      expect(ALLOWED).toContain((await peer.closed).code);
    }),
    { numRuns: RUNS },
  );
  await expectUnharmed();
});
