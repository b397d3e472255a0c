// Specification: changing one of these changes the wire (PROTOCOL.md).

/** The WebSocket subprotocol (RFC 6455 section 1.9); a wire that is not compatible gets another name. */
export const SUBPROTOCOL = 'wsproxy.v1';
/** Told in HELLO and RESUME, so that a peer of another version can be told so by name. */
export const PROTOCOL_VERSION = 1;
/** What either side may send on a channel before the peer has told its window. */
export const EARLY_WINDOW = 16_384;
export const SESSION_ID_LENGTH = 16;
export const SESSION_SECRET_LENGTH = 32;
/** The name of the service that takes and gives bytes; RFC 6761 keeps it from ever being anybody's. */
export const THROUGHPUT_HOST = 'throughput.wsproxy.invalid';
/** The name of the one that tells what is counted for a user. */
export const ACCOUNT_HOST = 'account.wsproxy.invalid';
/** What the first one gives at most, bytes. */
export const MAX_THROUGHPUT = 67_108_864;
/** What HELLO may say of the heartbeat, ms. */
export const MIN_PING_INTERVAL = 5_000;
export const MAX_PING_INTERVAL = 600_000;

/** WebSocket close codes (RFC 6455 section 7.4.2 leaves 4000 to 4999 to the application). */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  textMessage: 1003,
  serviceRestart: 1012,
  tryAgainLater: 1013,
  accessLost: 4001,
  unsupportedVersion: 4002,
  protocolError: 4003,
  superseded: 4004,
  sessionExpired: 4005,
  sessionUnknown: 4006,
  late: 4007,
} as const;

// Implementation: choices of this code that a peer need not share.

/** What `wsproxy-client doctor` asks for once, to see that it is closed: metadata of a cloud, ports of the server's machine. */
export const GUARDED_METADATA = { host: '169.254.169.254', port: 80 };
export const GUARDED_MACHINE = { host: '127.0.0.1', port: 9 };

/** Our receive window for a new channel, and what it may grow to, bytes; the session's budget allowing. */
export const INITIAL_WINDOW = 262_144;
export const MAX_WINDOW = 33_554_432;
/** What the windows of one session may hold together, beyond EARLY_WINDOW for each channel, bytes. */
export const WINDOW_BUDGET = 33_554_432;
/** Of these, what a session may hold although the process has reached its bound, bytes. */
export const WINDOW_FLOOR = 262_144;
/** How often is looked which channels have sent nothing since: they give back what they may send beyond EARLY_WINDOW, ms. */
export const RETURN_INTERVAL = 2_000;
/** Payload of a DATA frame at most, while several channels send and while one sends alone, bytes. */
export const SHARED_FRAME_SIZE = 16_384;
export const LONE_FRAME_SIZE = 65_472;
/** The same where long frames are agreed on, as far as the path is that fast. */
export const LONG_FRAME_SIZE = 262_080;
/** No matter what the rate seems to be, a frame longer than LONE_FRAME_SIZE is this part of what may be in flight at most. */
export const LONG_FRAME_PART = 0.125;
/** The same while the path's rate is unknown. */
export const FIRST_FRAME_SIZE = 32_768;
/** While several channels send, a frame may be what the path carries in this time, ms, if that is more. */
export const SHARED_FRAME_TIME = 0.25;
/** On a slow path a frame is what the path carries in this time, ms, but not less than this, bytes. */
export const FRAME_TIME = 4;
export const MIN_FRAME_SIZE = 1_024;
/** What a channel may send before the next one has its turn, bytes. */
export const QUANTUM = 16_384;
/** What one batch hands to the transport at most, unless a frame is longer, bytes. */
export const BATCH_SIZE = 65_536;
/** No further batch while the transport holds this much, or as much as a frame, bytes. */
export const TRANSPORT_HIGH_WATER = 131_072;
/**
 * Control frames do not wait for that, but nothing more is sent to a peer that has left so much unread, bytes. A batch of long
 * frames is more: what is told then waits until the transport is down to this, a few times FRAME_TIME, since frames are that
 * long only on a path so fast. Should it be slow by now, nobody is cut off for it: anything that the transport gets rid of is a sign
 * of life to this side, as what arrives is to the other, and each time the rest is sent.
 */
export const CONTROL_HIGH_WATER = 262_144;
/** A channel asks its source to pause above this many queued bytes, or as many as a frame. */
export const CHANNEL_HIGH_WATER = 65_536;
/** The same when the memory for what waits is used up, bytes: so that each channel goes on. */
export const CHANNEL_FLOOR = 8_192;
/** What may wait in the channels of one session beyond that, bytes. */
export const QUEUE_LIMIT = 8_388_608;
/** Unacknowledged bytes kept for a replay, for one session; at this bound the sources pause. */
export const REPLAY_LIMIT = 16_777_216;
/** Of these, what a session may keep although the process has reached its bound, bytes. */
export const REPLAY_FLOOR = 8_192;
/** An acknowledgement leaves after this many bytes, but not within ACK_INTERVAL of the last; else after ACK_DELAY, ms. */
export const ACK_BYTES = 16_384;
export const ACK_INTERVAL = 1;
export const ACK_DELAY = 5;
/**
 * Only so often in a round trip while it brings so many bytes in between: a path that is both long and fast. Linux looks
 * for a reason to leave slow start once it has eight round trips to compare (HYSTART_MIN_SAMPLES), and what delays
 * acknowledgements is no reason: with windows that are told in between, four stay below that.
 */
export const ACKS_PER_ROUND_TRIP = 4;
export const FAST_BYTES = 262_144;
/** The round trip is measured this often while data arrives, ms. */
export const ROUND_TRIP_INTERVAL = 1_000;
/** A side that has sent nothing for this long sends PING, ms, unless HELLO says otherwise: well below the 60 s of nginx and the clouds. */
export const PING_INTERVAL = 15_000;
/** How often a client and a server look whether the path lives, ms: a client is to notice soon that it has slept. */
export const CLIENT_WATCH_INTERVAL = 1_000;
export const SERVER_WATCH_INTERVAL = 5_000;
/** An awaited answer is late after this long, ms, or so many round trips: the client then tries another transport. */
export const SUSPICION_LIMIT = 5_000;
export const SUSPICION_ROUND_TRIPS = 4;
/** The same after the machine has slept, ms. */
export const PROBE_LIMIT = 2_000;
/** A transport that has brought nothing for this long, or for so many heartbeats, is lost, ms. */
export const SILENCE_LIMIT = 45_000;
export const SILENCE_HEARTBEATS = 3;
/** The first frame must be complete within this time, and answered within as much, ms. */
export const HANDSHAKE_TIMEOUT = 5_000;
