import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  CloseCode,
  EARLY_WINDOW,
  HANDSHAKE_TIMEOUT,
  REPLAY_LIMIT,
  SILENCE_LIMIT,
} from '../../packages/engine/src/constants.js';
import { FAILURES } from '../../packages/engine/src/failures.js';
import {
  FrameType,
  isSequenced,
  MAX_LONG_PAYLOAD,
  MAX_PAYLOAD,
  PAYLOAD_LIMITS,
} from '../../packages/engine/src/frame/frame.js';

const specification = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8');

/** The rows of the table below the heading, as cells without their white space. */
function table(heading: string): string[][] {
  const [, section = ''] = specification.split(`\n${heading}\n`);
  const lines = section.slice(0, section.search(/^## /m)).match(/^\|.*\|$/gm) ?? [];
  const rows = lines.slice(2).map((line) => line.slice(1, -1).split('|'));
  if (rows.length === 0) throw new Error(`no table below ${heading}`);
  return rows.map((cells) => cells.map((cell) => cell.trim()));
}

/** `OPEN_OK` of the specification is `openOk` in the code. */
function nameOf(key: string): string {
  return { goAway: 'GOAWAY' }[key] ?? key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

test('the frame table names exactly the types of the code', () => {
  const written = table('## 3. Frames').map(([type, name]) => [Number(type), name]);
  expect(written).toEqual(Object.entries(FrameType).map(([key, type]) => [type, nameOf(key)]));
});

test('the payloads in the frame table have the sizes that the decoder demands', () => {
  for (const [type, name, payload = ''] of table('## 3. Frames')) {
    let [min, max] = [0, 0];
    // "u32" has a size of its own, "host (1–255)" and "id (16)" say theirs, DATA has nothing else.
    for (const [, bits, least, most] of payload.matchAll(/\bu(8|16|32|64)\b|\(?\b(\d+)(?:–(\d+))?(?:\)| bytes)/g)) {
      min += bits === undefined ? Number(least) : Number(bits) / 8;
      max += bits === undefined ? Number(most ?? least) : Number(bits) / 8;
    }
    if (name === 'HELLO' || name === 'RESUME') max = 1024;
    expect([name, PAYLOAD_LIMITS[Number(type)]]).toEqual([name, [min, max]]);
  }
});

test('the channel column tells which frames concern the session', () => {
  for (const [type, name, , channel] of table('## 3. Frames')) {
    const onSession = !isSequenced(Number(type)) && !['WINDOW', 'RETURN', 'RETURNED', 'DATAGRAM'].includes(name ?? '');
    expect([name, channel === '0']).toEqual([name, onSession]);
  }
});

test('the failure table names exactly the failures of the code, with their codes', () => {
  const written = table('## 9. Failure codes')
    .flatMap((row) => [row.slice(0, 4), row.slice(4)])
    .filter(([code]) => code !== '')
    .map(([code, name, socks5, http]) => [Number(code), name, Number.parseInt(socks5 ?? '', 16), Number(http)])
    .sort(([a], [b]) => Number(a) - Number(b));
  expect(written).toEqual(Object.entries(FAILURES).map(([name, row]) => [row.wire, name, row.socks5, row.http]));
});

test('the close codes of the code are in the table, as ending the session, unless its greeting was not read', () => {
  const rows = table('## 10. Close codes');
  const codesThat = (end: string) => rows.filter(([, , session]) => session === end).map(([code]) => Number(code));
  const own = Object.values(CloseCode).filter((code) => code >= 4_000 || code === CloseCode.textMessage);
  expect(codesThat('over').sort()).toEqual(own.filter((code) => code !== CloseCode.late).sort());
  expect(codesThat('detached')).toContain(CloseCode.late);
});

test('the limits are those of the code', () => {
  const units: Record<string, number> = { bytes: 1, MiB: 1_048_576, s: 1_000 };
  const limits = Object.fromEntries(
    table('## 11. Limits').map(([what, value = '']) => {
      const [, number = '', unit = ''] = /^([\d ]+?) ([A-Za-z]+)/.exec(value) ?? [];
      return [what, Number(number.replaceAll(' ', '')) * (units[unit] ?? Number.NaN)];
    }),
  );
  expect(limits).toMatchObject({
    'payload of a frame': MAX_PAYLOAD,
    'payload of LONG_DATA': MAX_LONG_PAYLOAD,
    'early window': EARLY_WINDOW,
    'first frame': HANDSHAKE_TIMEOUT,
    'unacknowledged frames kept': REPLAY_LIMIT,
    silence: SILENCE_LIMIT,
  });
});

test('the early window is the same in the section on channels', () => {
  const [, bytes = ''] = /early window of ([\d ]+) bytes/.exec(specification) ?? [];
  expect(Number(bytes.replaceAll(' ', ''))).toBe(EARLY_WINDOW);
});
