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
    ['in quotes', `"${URL}#${TOKEN}"`],
    ['in the quotes of a word processor', `“${URL}#${TOKEN}”`],
    ['in backticks', `\`${URL}#${TOKEN}\``],
    ['as a block of Markdown', `\`\`\`\n${URL}#${TOKEN}\n\`\`\`\n`],
    ['with a user before its quotes', `alice: '${URL}#${TOKEN}'`],
    ['with a line break of a mail in its token', `${URL}#${TOKEN.slice(0, 20)}\r\n${TOKEN.slice(20)}\r\n`],
    ['with a line break of a mail in its URL', `${URL.slice(0, 20)}\n${URL.slice(20)}#${TOKEN}`],
    ['with a line break behind its user', `alice:\n${URL}#${TOKEN}`],
    ['with a blank in place of a line break', `${URL}#${TOKEN.slice(0, 20)} ${TOKEN.slice(20)}`],
    ['quoted in a reply', `> ${URL}#${TOKEN.slice(0, 20)}\n> ${TOKEN.slice(20)}\n`],
  ])('is understood %s', (_how, line) => {
    expect(parseSetupLine(line)).toEqual({ url: URL, token: TOKEN });
  });

  test('keeps a quotation mark at the end of a token that none begins', () => {
    expect(parseSetupLine(`${URL}#${TOKEN}'`)).toEqual({ url: URL, token: `${TOKEN}'` });
  });

  test.each([
    ['nothing', ''],
    ['a URL alone', URL],
    ['a token alone', TOKEN],
    ['a URL of another kind', `https://proxy.example.org/tunnel#${TOKEN}`],
    ['a URL with a user', `wss://alice@proxy.example.org/tunnel#${TOKEN}`],
    ['two lines', `${URL}#${TOKEN}\n${URL}#${TOKEN}`],
    ['a line of the server and something else', `${URL}#${'a'.repeat(43)}\nyes`],
    ['a quotation mark alone', '"'],
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
