import { describe, expect, test } from 'vitest';
import { formatSetupLine, parseSetupLine } from '../../src/options/setup-line.js';

const TOKEN = 'a-token-for-tests-0123456789-abcdefghij';
const URL = 'wss://proxy.example.org:8443/tunnel';

describe('the line for a client', () => {
  test.each([TOKEN, `${TOKEN}#%/+=:@`])('holds URL and token: %s', (token) => {
    expect(parseSetupLine(formatSetupLine({ url: URL, token }))).toEqual({ url: URL, token });
  });

  test.each([
    ['with white space around it', `  ${URL}#${TOKEN}\r\n`],
    ['with its user before it', `alice@home: ${URL}#${TOKEN}`],
  ])('is understood %s', (_how, line) => {
    expect(parseSetupLine(line)).toEqual({ url: URL, token: TOKEN });
  });

  test.each([
    ['nothing', ''],
    ['a URL alone', URL],
    ['a token alone', TOKEN],
    ['a URL of another kind', `https://proxy.example.org/tunnel#${TOKEN}`],
    ['a URL with a user', `wss://alice@proxy.example.org/tunnel#${TOKEN}`],
    ['two lines', `${URL}#${TOKEN}\n${URL}#${TOKEN}`],
  ])('is not %s, and the message quotes nothing of it', (_what, line) => {
    expect(() => parseSetupLine(line)).toThrow(
      new TypeError('expected the line that wsproxy-server init has printed: wss://host/path#token'),
    );
  });

  test('that was cut off is told as such', () => {
    expect(() => parseSetupLine(`${URL}#${TOKEN.slice(0, 20)}`)).toThrow(
      /^the token in the line has 20 characters; .*; copy the whole line$/,
    );
  });
});
