import { describe, expect, test } from 'vitest';
import { fromHex, toHex } from 'wsproxy-test-support/engine/bytes';
import { CollectingSink } from 'wsproxy-test-support/engine/collecting-sink';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { join, readU16, readU32, zeros } from '../../src/bytes.js';
import { decodeCall, encodeCall, isCall } from '../../src/frame/call.js';
import { decodeDatagram, encodeDatagram, encodeHead, NO_PEER } from '../../src/frame/datagram.js';
import { FrameDecoder } from '../../src/frame/decode.js';
import { FrameBatch } from '../../src/frame/encode.js';
import { FrameType } from '../../src/frame/frame.js';
import {
  type Arrival,
  decodeIncoming,
  decodeListen,
  decodeListening,
  encodeIncoming,
  encodeListen,
  encodeListening,
  type ListenRequest,
} from '../../src/frame/listen.js';
import {
  decodeFlow,
  decodeHello,
  decodeOpen,
  decodeResume,
  encodeCount,
  encodeCounts,
  encodeFailure,
  encodeFlow,
  encodeGoAway,
  encodeHello,
  encodeOpen,
  encodeResume,
  encodeWord,
  type GoAway,
  readCount,
  routeInHello,
  routeInResume,
} from '../../src/frame/payload.js';
import written from '../vectors.json' with { type: 'json' };

const memory = newMemory();

interface Fields {
  readonly window: number;
  readonly port: number;
  readonly host: string;
  readonly code: number;
  readonly data: string;
  readonly long: { readonly byte: string; readonly length: number };
  readonly version: number;
  readonly id: string;
  readonly secret: string;
  readonly grace: number;
  readonly heartbeat?: number;
  readonly capabilities?: number;
  readonly route?: string;
  readonly agreed?: { readonly grace: number; readonly capabilities: number; readonly route?: string };
  readonly seen: number;
  readonly keep: number;
  readonly attempt: number;
  readonly received: number;
  readonly bytes: number;
  readonly payload: string;
  readonly limit: number;
  readonly kind: GoAway;
  readonly deadline: number;
  readonly request: ListenRequest;
  readonly listener: number;
  readonly isFlow: boolean;
  readonly arrival: Arrival;
  /** Of a call alone. */
  readonly service: string;
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
  LONG_DATA: {
    type: FrameType.longData,
    encode: ({ long }) => bytes(long.byte.repeat(long.length)),
    decode: (payload) => ({ long: { byte: toHex(payload.subarray(0, 1)), length: payload.length } }),
  },
  FIN: { type: FrameType.fin, encode: () => zeros(0), decode: () => ({}) },
  RESET: {
    type: FrameType.reset,
    encode: ({ code }) => encodeFailure(code),
    decode: (payload) => ({ code: readU16(payload, 0) }),
  },
  LISTEN: {
    type: FrameType.listen,
    encode: ({ request }) => encodeListen(request) ?? zeros(0),
    decode: (payload) => ({ request: decodeListen(payload) as ListenRequest }),
  },
  LISTENING: {
    type: FrameType.listening,
    encode: (address) => encodeListening(address) ?? zeros(0),
    decode: decodeListening,
  },
  INCOMING: {
    type: FrameType.incoming,
    encode: (fields) => (fields.service === undefined ? encodeIncoming(fields) : (encodeCall(fields) ?? zeros(0))),
    decode: (payload) => (isCall(payload) ? decodeCall(payload) : decodeIncoming(payload)) ?? {},
  },
  FLOW: {
    type: FrameType.flow,
    encode: ({ host, port }) => encodeFlow({ target: host === '' ? undefined : { host, port } }),
    decode: (payload) => decodeFlow(payload)?.target ?? { host: '', port: 0 },
  },
  HELLO: {
    type: FrameType.hello,
    encode: (fields) => {
      const { grace, heartbeat, capabilities, route } = fields;
      const more = {
        ...(heartbeat !== undefined && { heartbeat }),
        ...(capabilities !== undefined && { capabilities }),
        ...(route !== undefined && { route }),
      };
      return encodeHello({ ...key(fields), grace, ...more });
    },
    decode(payload) {
      const { version, id, secret, ...rest } = decodeHello(payload);
      const route = routeInHello(payload);
      return { ...keyFields({ version, id, secret }), ...rest, ...(route !== undefined && { route }) };
    },
  },
  RESUME: {
    type: FrameType.resume,
    encode: (fields) => {
      const { attempt, received, agreed } = fields;
      return encodeResume({ ...key(fields), attempt, received, ...(agreed !== undefined && { agreed }) });
    },
    decode(payload) {
      const { version, id, secret, agreed, ...rest } = decodeResume(payload);
      const route = routeInResume(payload);
      return {
        ...keyFields({ version, id, secret }),
        ...rest,
        ...(agreed && { agreed: { ...agreed, ...(route !== undefined && { route }) } }),
      };
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
  TAKEN: {
    type: FrameType.taken,
    encode: ({ received, bytes }) => encodeCounts(received, bytes),
    decode: (payload) => ({ received: readCount(payload), bytes: readCount(payload, 8) }),
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
  DATAGRAM: {
    type: FrameType.datagram,
    encode: ({ host, port, data }) => {
      const head = host === undefined ? NO_PEER : encodeHead({ host, port });
      return encodeDatagram(head ?? zeros(0), bytes(data)) ?? zeros(0);
    },
    decode(payload) {
      const datagram = decodeDatagram(payload);
      return { ...datagram?.peer, data: toHex(datagram?.data ?? zeros(0)) };
    },
  },
};

describe.each(vectors)('golden bytes: $name', ({ type, channel, fields, hex: golden }) => {
  // The header alone is written for a long payload, which is one byte again and again.
  const hex = golden + (fields.long?.byte ?? '').repeat(fields.long?.length ?? 0);
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
