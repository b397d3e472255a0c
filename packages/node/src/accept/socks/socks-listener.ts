import { FAILURES } from 'wsproxy-engine';
import type { Credentials } from '../credentials.js';
import type { LocalConnection } from '../local-connection.js';
import { openChannel, type Replies } from '../open-channel.js';
import type { ParseResult } from './parse-result.js';
import { encodeSocks4Reply, parseSocks4Request, SOCKS4_REPLIES } from './socks4-codec.js';
import {
  encodeSocks5Method,
  encodeSocks5PasswordReply,
  encodeSocks5Reply,
  METHODS,
  parseSocks5Greeting,
  parseSocks5Password,
  parseSocks5Request,
  REPLIES,
} from './socks5-codec.js';

const socks5Replies: Replies = {
  success: () => encodeSocks5Reply(REPLIES.SUCCEEDED),
  failure: (code) => encodeSocks5Reply(FAILURES[code].socks5),
};

const socks4Replies: Replies = {
  success: () => encodeSocks4Reply(SOCKS4_REPLIES.GRANTED),
  failure: () => encodeSocks4Reply(SOCKS4_REPLIES.REJECTED),
};

/** Serves a connection whose first bytes are `input`: RFC 1928, with the password of RFC 1929 if there are credentials. */
export function serveSocks5(connection: LocalConnection, input: Buffer, credentials?: Credentials): void {
  const method = credentials === undefined ? METHODS.NO_AUTHENTICATION : METHODS.PASSWORD;
  readMessage(connection, input, parseSocks5Greeting, (methods, afterGreeting) => {
    if (!methods.includes(method)) {
      connection.refuse('no acceptable SOCKS method', encodeSocks5Method(METHODS.NONE_ACCEPTABLE));
      return;
    }
    connection.socket.write(encodeSocks5Method(method));
    if (credentials === undefined) return serveRequest(connection, afterGreeting);
    readMessage(connection, afterGreeting, parseSocks5Password, (given, afterPassword) => {
      if (!credentials(...given)) return connection.refuse('wrong user or password', encodeSocks5PasswordReply(false));
      connection.socket.write(encodeSocks5PasswordReply(true));
      serveRequest(connection, afterPassword);
    });
  });
}

function serveRequest(connection: LocalConnection, input: Buffer): void {
  readMessage(connection, input, parseSocks5Request, (target, early) => {
    openChannel(connection, target, early, socks5Replies);
  });
}

/** Serves a connection whose first bytes are `input`: SOCKS4 and 4a, which know no password and are refused where one is needed. */
export function serveSocks4(connection: LocalConnection, input: Buffer, credentials?: Credentials): void {
  if (credentials !== undefined) {
    return connection.refuse('SOCKS4 has no password', encodeSocks4Reply(SOCKS4_REPLIES.REJECTED));
  }
  readMessage(connection, input, parseSocks4Request, (target, early) => {
    openChannel(connection, target, early, socks4Replies);
  });
}

/**
 * Reads on until `parse` has decided; bounded, since every parser decides within a few hundred bytes. The socket flows:
 * `onMessage` must listen for what follows `rest` before it returns.
 */
function readMessage<T>(
  connection: LocalConnection,
  input: Buffer,
  parse: (bytes: Buffer) => ParseResult<T>,
  onMessage: (message: T, rest: Buffer) => void,
): void {
  const result = parse(input);
  if (result.state === 'done') {
    onMessage(result.value, input.subarray(result.length));
  } else if (result.state === 'invalid') {
    connection.refuse(result.reason, result.reply);
  } else {
    connection.socket.once('data', (chunk: Buffer) => {
      readMessage(connection, Buffer.concat([input, chunk]), parse, onMessage);
    });
  }
}
