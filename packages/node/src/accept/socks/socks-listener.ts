import { FAILURES } from 'wsproxy-engine';
import type { Reply } from '../enter-tunnel.js';
import type { LocalConnection } from '../local-connection.js';
import type { LocalService, ServedPort } from '../local-service.js';
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

/** RFC 1928, with the password of RFC 1929 where one is needed, or where a client offers nothing else. */
export function serveSocks5({ isAllowed }: ServedPort): LocalService {
  return {
    begins: (first) => first === 0x05,
    serve(connection, input) {
      readMessage(connection, input, parseSocks5Greeting, (offered, afterGreeting) => {
        const method = chooseMethod(offered, isAllowed !== undefined);
        if (method === undefined) {
          connection.refuse('no acceptable SOCKS method', encodeSocks5Method(METHODS.NONE_ACCEPTABLE));
          return;
        }
        connection.socket.write(encodeSocks5Method(method));
        if (method === METHODS.NO_AUTHENTICATION) return readRequest(connection, afterGreeting);
        readMessage(connection, afterGreeting, parseSocks5Password, (given, afterPassword) => {
          if (isAllowed?.(...given) === false) {
            return connection.refuse('wrong user or password', encodeSocks5PasswordReply(false));
          }
          connection.socket.write(encodeSocks5PasswordReply(true));
          readRequest(connection, afterPassword);
        });
      });
    },
  };
}

/** Where nobody needs a password, any will do: a client with one in its settings may offer no other way. */
function chooseMethod(offered: Buffer, needsPassword: boolean): number | undefined {
  if (!needsPassword && offered.includes(METHODS.NO_AUTHENTICATION)) return METHODS.NO_AUTHENTICATION;
  return offered.includes(METHODS.PASSWORD) ? METHODS.PASSWORD : undefined;
}

function readRequest(connection: LocalConnection, input: Buffer): void {
  readMessage(connection, input, parseSocks5Request, (target, early) => connection.enter(target, early, SOCKS5_REPLY));
}

/** SOCKS4 and 4a, which know no password and are refused where one is needed. */
export function serveSocks4({ isAllowed }: ServedPort): LocalService {
  return {
    begins: (first) => first === 0x04,
    serve(connection, input) {
      if (isAllowed !== undefined) {
        return connection.refuse('SOCKS4 has no password', encodeSocks4Reply(SOCKS4_REPLIES.REJECTED));
      }
      readMessage(connection, input, parseSocks4Request, (target, early) =>
        connection.enter(target, early, SOCKS4_REPLY),
      );
    },
  };
}

const SOCKS5_REPLY: Reply = {
  kind: 'socks5',
  success: () => encodeSocks5Reply(REPLIES.SUCCEEDED),
  failure: (code) => encodeSocks5Reply(FAILURES[code].socks5),
};

const SOCKS4_REPLY: Reply = {
  kind: 'socks4',
  success: () => encodeSocks4Reply(SOCKS4_REPLIES.GRANTED),
  failure: () => encodeSocks4Reply(SOCKS4_REPLIES.REJECTED),
};

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
