import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from 'wsproxy-test-support/engine/bytes';
import { CollectingSink } from 'wsproxy-test-support/engine/collecting-sink';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { join, readU16, readU32, zeros } from '../../src/bytes.js';
import { FrameDecoder } from '../../src/frame/decode.js';
import { FrameBatch } from '../../src/frame/encode.js';
import { FrameType } from '../../src/frame/frame.js';
import {
  decodeHello,
  decodeOpen,
  decodeResume,
  encodeCount,
  encodeCounts,
  encodeFailure,
  encodeGoAway,
  encodeHello,
  encodeOpen,
  encodeResume,
  encodeWord,
  type GoAway,
  readCount,
} from '../../src/frame/payload.js';
import written from '../vectors.json' with { type: 'json' };

const memory = newMemory();

interface Fields {
  readonly window: number;
  readonly port: number;
  readonly host: string;
  readonly code: number;
  readonly data: string;
  readonly version: number;
  readonly id: string;
  readonly secret: string;
  readonly grace: number;
  readonly heartbeat?: number;
  readonly capabilities?: number;
  readonly agreed?: { readonly grace: number; readonly capabilities: number };
  readonly seen: number;
  readonly keep: number;
  readonly attempt: number;
  readonly received: number;
  readonly payload: string;
  readonly limit: number;
  readonly kind: GoAway;
  readonly deadline: number;
}

interface Vector {
  readonly name: string;
  readonly type: string;
  readonly channel: number;
  readonly fields: Fields;
  readonly hex: string;
}

const vectors = written as readonly unknown[] as readonly Vector[];

const bytes = (hex: string): Uint8Array => fromHex(hex);
const key = (fields: Fields) => ({ version: fields.version, id: bytes(fields.id), secret: bytes(fields.secret) });
const keyFields = (key: { version: number; id: Uint8Array; secret: Uint8Array }) => ({
  version: key.version,
  id: toHex(key.id),
  secret: toHex(key.secret),
});

/** How the payload of each type is written, and read back. */
const payloads: Record<
  string,
  { type: number; encode(f: Fields): Uint8Array; decode(p: Uint8Array): Partial<Fields> }
> = {
  OPEN: {
    type: FrameType.open,
    encode: ({ window, host, port }) => encodeOpen({ window, target: { host, port } }),
    decode(payload) {
      const { window, target } = decodeOpen(payload);
      return { window, port: target.port, host: target.host };
    },
  },
  OPEN_OK: {
    type: FrameType.openOk,
    encode: ({ window }) => encodeWord(window),
    decode: (payload) => ({ window: readU32(payload, 0) }),
  },
  OPEN_FAIL: {
    type: FrameType.openFail,
    encode: ({ code }) => encodeFailure(code),
    decode: (payload) => ({ code: readU16(payload, 0) }),
  },
  DATA: {
    type: FrameType.data,
    encode: ({ data }) => bytes(data),
    decode: (payload) => ({ data: toHex(payload) }),
  },
  FIN: { type: FrameType.fin, encode: () => zeros(0), decode: () => ({}) },
  RESET: {
    type: FrameType.reset,
    encode: ({ code }) => encodeFailure(code),
    decode: (payload) => ({ code: readU16(payload, 0) }),
  },
  HELLO: {
    type: FrameType.hello,
    encode: (fields) => {
      const { grace, heartbeat, capabilities } = fields;
      const more = {
        ...(heartbeat !== undefined && { heartbeat }),
        ...(capabilities !== undefined && { capabilities }),
      };
      return encodeHello({ ...key(fields), grace, ...more });
    },
    decode(payload) {
      const { version, id, secret, ...rest } = decodeHello(payload);
      return { ...keyFields({ version, id, secret }), ...rest };
    },
  },
  RESUME: {
    type: FrameType.resume,
    encode: (fields) => {
      const { attempt, received, agreed } = fields;
      return encodeResume({ ...key(fields), attempt, received, ...(agreed !== undefined && { agreed }) });
    },
    decode(payload) {
      const { version, id, secret, ...rest } = decodeResume(payload);
      return { ...keyFields({ version, id, secret }), ...rest };
    },
  },
  ACK: {
    type: FrameType.ack,
    encode: ({ received }) => encodeCount(received),
    decode: (payload) => ({ received: readCount(payload) }),
  },
  PING: {
    type: FrameType.ping,
    encode: ({ payload }) => bytes(payload),
    decode: (payload) => ({ payload: toHex(payload) }),
  },
  PONG: {
    type: FrameType.pong,
    encode: ({ payload }) => bytes(payload),
    decode: (payload) => ({ payload: toHex(payload) }),
  },
  WINDOW: {
    type: FrameType.window,
    encode: ({ limit }) => encodeCount(limit),
    decode: (payload) => ({ limit: readCount(payload) }),
  },
  RETURN: {
    type: FrameType.return,
    encode: ({ seen, keep }) => encodeCounts(seen, keep),
    decode: (payload) => ({ seen: readCount(payload), keep: readCount(payload, 8) }),
  },
  RETURNED: {
    type: FrameType.returned,
    encode: ({ seen, limit }) => encodeCounts(seen, limit),
    decode: (payload) => ({ seen: readCount(payload), limit: readCount(payload, 8) }),
  },
  GOAWAY: {
    type: FrameType.goAway,
    encode: ({ kind, deadline }) => encodeGoAway(kind, deadline),
    decode: (payload) => ({ kind: payload[0] as GoAway, deadline: readU32(payload, 4) }),
  },
};

describe.each(vectors)('golden bytes: $name', ({ type, channel, fields, hex }) => {
  const codec = payloads[type];
  if (codec === undefined) throw new Error(`no codec for ${type}`);

  test('are what the encoder makes of the fields', () => {
    const batch = new FrameBatch(memory);
    batch.add(codec.type, channel, codec.encode(fields));
    expect(toHex(join(batch.take()))).toBe(hex);
  });

  test('are read back as the fields', () => {
    const sink = new CollectingSink();
    new FrameDecoder(sink).push(bytes(hex));
    const [frame, ...more] = sink.frames;
    expect(more).toEqual([]);
    expect(frame).toMatchObject({ type: codec.type, channel });
    expect(codec.decode(frame?.payload ?? zeros(0))).toEqual(fields);
  });
});

test('there are golden bytes for every frame type', () => {
  const covered = new Set(vectors.map(({ type }) => payloads[type]?.type));
  expect(covered).toEqual(new Set(Object.values(FrameType)));
});
