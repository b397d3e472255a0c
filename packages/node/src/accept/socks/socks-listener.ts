import { FAILURES } from 'wsproxy-engine';
import type { Reply } from '../enter-tunnel.js';
import type { LocalConnection } from '../local-connection.js';
import type { LocalService, ServedPort } from '../local-service.js';
import { Associations } from './associations.js';
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
  type Socks5Request,
} from './socks5-codec.js';

/** RFC 1928, with the password of RFC 1929 where one is needed, or where a client offers nothing else. */
export function serveSocks5({ tunnel, isAllowed, udpAdvertised, isRemote }: ServedPort): LocalService {
  const associations = new Associations(tunnel, udpAdvertised);
  const begin: Begin = (connection, request, early, { before, reply }) => {
    if (request.command === 'connect') connection.enter(request.target, early, reply);
    else if (!isRemote) associations.begin(connection, before);
    else connection.refuse('UDP of an application of another machine', say(before, REPLIES.COMMAND_NOT_SUPPORTED));
  };
  return {
    begins: (first) => first === 0x05,
    serve(connection, input) {
      readMessage(connection, input, parseSocks5Greeting, (offered, afterGreeting) => {
        const method = chooseMethod(offered, isAllowed !== undefined);
        if (method === undefined) {
          connection.refuse('no acceptable SOCKS method', encodeSocks5Method(METHODS.NONE_ACCEPTABLE));
          return;
        }
        if (method === METHODS.NO_AUTHENTICATION) return answerGreeting(connection, afterGreeting, begin);
        connection.socket.write(encodeSocks5Method(method));
        readMessage(connection, afterGreeting, parseSocks5Password, (given, afterPassword) => {
          if (isAllowed?.(...given) === false) {
            return connection.refuse('wrong user or password', encodeSocks5PasswordReply(false));
          }
          connection.socket.write(encodeSocks5PasswordReply(true));
          readRequest(connection, afterPassword, begin);
        });
      });
    },
  };
}

/** Does what a request asks for, behind which `early` came; `answer` is how that is answered. */
type Begin = (connection: LocalConnection, request: Socks5Request, early: Buffer, answer: Answer) => void;

interface Answer {
  /** What the reply is sent together with, in front of it. */
  readonly before: Buffer;
  /** To CONNECT, with that. */
  readonly reply: Reply;
}

/** Where nobody needs a password, any will do: a client with one in its settings may offer no other way. */
function chooseMethod(offered: Buffer, needsPassword: boolean): number | undefined {
  if (!needsPassword && offered.includes(METHODS.NO_AUTHENTICATION)) return METHODS.NO_AUTHENTICATION;
  return offered.includes(METHODS.PASSWORD) ? METHODS.PASSWORD : undefined;
}

/** An application that has sent its request already does not wait for the method: it gets both answers as one. */
function answerGreeting(connection: LocalConnection, input: Buffer, begin: Begin): void {
  const request = parseSocks5Request(input);
  if (request.state === 'done') return begin(connection, request.value, input.subarray(request.length), WITH_METHOD);
  connection.socket.write(WITH_METHOD.before);
  readRequest(connection, input, begin);
}

function readRequest(connection: LocalConnection, input: Buffer, begin: Begin): void {
  readMessage(connection, input, parseSocks5Request, (request, early) => begin(connection, request, early, ALONE));
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

const ALONE: Answer = answerBehind(Buffer.alloc(0));
const WITH_METHOD: Answer = answerBehind(encodeSocks5Method(METHODS.NO_AUTHENTICATION));

function answerBehind(before: Buffer): Answer {
  return {
    before,
    reply: {
      kind: 'socks5',
      success: () => say(before, REPLIES.SUCCEEDED),
      failure: (code) => say(before, FAILURES[code].socks5),
    },
  };
}

function say(before: Buffer, reply: number): Buffer {
  return Buffer.concat([before, encodeSocks5Reply(reply)]);
}

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
