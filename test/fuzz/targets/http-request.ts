import { deepEqual, doesNotMatch, match, ok } from 'node:assert/strict';
import { formatHead } from '../../../packages/node/src/http-message/fields.js';
import { MessageError } from '../../../packages/node/src/http-message/message-error.js';
import { type RequestHead, RequestHeadReader } from '../../../packages/node/src/http-message/request-head.js';
import type { Target } from '../target.js';

/** Heads of requests to the local port. */
export const httpRequest: Target = {
  name: 'http-request',
  run(input) {
    const whole = read(input, input.length);
    deepEqual(read(input, 1 + (input.length % 7)), whole, 'slices do not matter');
    if (typeof whole === 'string') return match(whole, /^[\x20-\x7e]*$/, 'a refusal holds no byte of the request');
    const { method, requestTarget, minor, fields } = whole;
    for (const text of [method, requestTarget, ...fields.flatMap(({ name, value }) => [name, value])]) {
      doesNotMatch(text, /[\0-\x08\x0a-\x1f\x7f]/, 'nothing could be taken for the end of a line');
    }
    ok(fields.length <= 500, 'fields are counted');
    const again = formatHead(`${method} ${requestTarget} HTTP/1.${minor}`, fields);
    deepEqual(read(again, again.length), whole, 'what is passed on is read as it was');
  },
};

/** The head, or why it is refused, or nothing when it is not complete. */
function read(input: Buffer, size: number): RequestHead | string {
  const reader = new RequestHeadReader();
  try {
    for (let at = 0; at < input.length; at += size) {
      const head = reader.read(input.subarray(at, at + size));
      if (head !== undefined) return head;
    }
    return '';
  } catch (error) {
    if (error instanceof MessageError) return error.message;
    throw error;
  }
}
