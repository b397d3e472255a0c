import { expect, test } from 'vitest';
import { until } from 'wsproxy-test-support/until';
import { frame, hello, hex, key, open, resume, Type, u64 } from 'wsproxy-test-support/wire/hand-written-frames';
import { RawPeer } from 'wsproxy-test-support/wire/raw-peer';
import { type Bystander, startBystander } from './bystander.js';

const OWNER = key(1);
const OPEN_OK_AND_ECHO = 2;

/** A session whose client has got OPEN_OK and `hello` from the echo, and was then lost. */
async function loseSession(options: { grace?: number } = {}): Promise<Bystander> {
  const bystander = await startBystander({ grace: 5_000, ...options });
  const peer = await RawPeer.connect(bystander.port);
  peer.send(hello(OWNER), open(1, '127.0.0.1', bystander.echoPort), frame(Type.data, 1, 'hello'));
  await until('the echo has answered', () => peer.data(1).toString() === 'hello');
  peer.vanish();
  return bystander;
}

async function expectRefused(port: number, claim: Buffer, code: number): Promise<void> {
  const peer = await RawPeer.connect(port);
  peer.send(claim);
  expect(await peer.closed).toMatchObject({ code });
  expect(peer.frames.filter(({ type }) => type !== Type.resume)).toEqual([]);
}

/** The rightful owner comes back, finds everything as it was, and leaves. */
async function expectResumable(bystander: Bystander, attempt: number): Promise<void> {
  const peer = await RawPeer.connect(bystander.port);
  peer.send(resume(OWNER, attempt, OPEN_OK_AND_ECHO));
  const { payload } = await peer.frame(Type.resume);
  expect(payload.readBigUInt64BE(payload.length - 8)).toBe(2n);
  peer.send(frame(Type.data, 1, 'again'));
  await until('the echo has answered', () => peer.data(1).toString() === 'again');
  peer.send(frame(Type.goAway, 0, hex('03000000 00000000')));
  await peer.closed;
  await bystander.expectUnharmed();
}

test('F21 what the client says it has processed is not sent again, the rest is', async () => {
  const bystander = await loseSession();
  const peer = await RawPeer.connect(bystander.port);
  peer.send(resume(OWNER, 1, 1));
  await until('the echo has been sent again', () => peer.data(1).toString() === 'hello');
  expect(peer.frames.map(({ type }) => type)).not.toContain(Type.openOk);
  peer.vanish();
  await expectResumable(bystander, 2);
});

test('F21 a DATA frame that was lost in the middle is sent again whole, and delivered once', async () => {
  const bystander = await loseSession();
  const whole = frame(Type.data, 1, 'one two three');
  const first = await RawPeer.connect(bystander.port);
  first.send(resume(OWNER, 1, OPEN_OK_AND_ECHO));
  await first.frame(Type.resume);
  first.send(whole.subarray(0, 12));
  await until('the first half has come back', () => first.data(1).toString() === 'one ');
  first.vanish();

  const second = await RawPeer.connect(bystander.port);
  second.send(resume(OWNER, 2, OPEN_OK_AND_ECHO + 1));
  expect((await second.frame(Type.resume)).payload.subarray(-8)).toEqual(u64(2));
  second.send(whole);
  await until('the second half has come back', () => second.data(1).toString() === 'two three');
  second.send(frame(Type.goAway, 0, hex('03000000 00000000')));
  await bystander.expectUnharmed();
});

test('F21 a DATA frame that is shorter when it comes again ends the session', async () => {
  const bystander = await loseSession();
  const first = await RawPeer.connect(bystander.port);
  first.send(resume(OWNER, 1, OPEN_OK_AND_ECHO));
  await first.frame(Type.resume);
  first.send(frame(Type.data, 1, 'one two three').subarray(0, 12));
  await until('the first half has come back', () => first.data(1).toString() === 'one ');
  first.vanish();
  await expectRefused(
    bystander.port,
    Buffer.concat([resume(OWNER, 2, OPEN_OK_AND_ECHO + 1), frame(Type.data, 1, 'one')]),
    4003,
  );
  await bystander.expectUnharmed();
});

test('F23 a session whose grace is over is refused with 4005', async () => {
  const bystander = await loseSession({ grace: 100 });
  await until('the session has expired', () => bystander.server.sessionCount === 1);
  await expectRefused(bystander.port, resume(OWNER, 1, OPEN_OK_AND_ECHO), 4005);
  await bystander.expectUnharmed();
});

test('G11 an unknown session and a wrong secret are refused alike, with 4006', async () => {
  const bystander = await loseSession();
  await expectRefused(bystander.port, resume(key(2), 1, 0), 4006);
  await expectRefused(bystander.port, resume({ id: OWNER.id, secret: key(2).secret }, 1, 0), 4006);
  await expectResumable(bystander, 1);
});

test('F27 a thousand guesses at the secret of a session are refused, and its owner can resume it', async () => {
  const bystander = await loseSession({ grace: 60_000 });
  for (let round = 0; round < 20; round++) {
    await Promise.all(
      Array.from({ length: 50 }, (_, n) => {
        const secret = Buffer.from(OWNER.secret);
        secret[n % 32] = 255 - round;
        return expectRefused(bystander.port, resume({ id: OWNER.id, secret }, 1 + n, 0), 4006);
      }),
    );
  }
  await expectResumable(bystander, 1);
});

test('F24 an attempt that is not newer than the last is refused with 4004', async () => {
  const bystander = await loseSession();
  const peer = await RawPeer.connect(bystander.port);
  peer.send(resume(OWNER, 7, OPEN_OK_AND_ECHO));
  await peer.frame(Type.resume);
  await expectRefused(bystander.port, resume(OWNER, 7, OPEN_OK_AND_ECHO), 4004);
  await expectRefused(bystander.port, resume(OWNER, 6, OPEN_OK_AND_ECHO), 4004);
  await peer.expectAlive();
  await expectResumable(bystander, 8);
});

test('F24 a newer attempt takes over while the old connection still stands', async () => {
  const bystander = await loseSession();
  const old = await RawPeer.connect(bystander.port);
  old.send(resume(OWNER, 1, OPEN_OK_AND_ECHO));
  await old.frame(Type.resume);
  const taken = await RawPeer.connect(bystander.port);
  taken.send(resume(OWNER, 2, OPEN_OK_AND_ECHO));
  await taken.frame(Type.resume);
  await old.closed;
  taken.vanish();
  await expectResumable(bystander, 3);
});

test.each([
  ['beyond what was sent', 3],
  ['beyond 2^53', 2n ** 60n],
])('F21 a count %s ends the session with 4003', async (_what, received) => {
  const bystander = await loseSession();
  await expectRefused(bystander.port, resume(OWNER, 1, received), 4003);
  if (received === 3) await expectRefused(bystander.port, resume(OWNER, 2, OPEN_OK_AND_ECHO), 4005);
  else await expectResumable(bystander, 2);
  await bystander.expectUnharmed();
});

test('F21 a count below what was acknowledged ends the session with 4003', async () => {
  const bystander = await loseSession();
  const peer = await RawPeer.connect(bystander.port);
  peer.send(resume(OWNER, 1, OPEN_OK_AND_ECHO));
  await peer.frame(Type.resume);
  await expectRefused(bystander.port, resume(OWNER, 2, 1), 4003);
  await bystander.expectUnharmed();
});

test('F3 RESUME of an unknown version is refused with 4002', async () => {
  const bystander = await loseSession();
  await expectRefused(bystander.port, resume(OWNER, 1, OPEN_OK_AND_ECHO, 9), 4002);
  await expectResumable(bystander, 1);
});
