import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { WayBack } from '../../src/reach/way-back.js';

const URL_OF = new URL('wss://example.org/tunnel');
const ROUTE = 'ams-1.0123456789ab';
const OTHER = 'fra-2.ba9876543210';
const ID = Buffer.alloc(16, 7);

/** As a greeter tells it. */
function greeterOf(next: { id?: Uint8Array; resumes?: boolean }, route?: string) {
  return { next: { id: ID, resumes: false, ...next }, route };
}

const CLOCK = { wallTime: () => Date.parse('2026-11-27T12:00:00Z') };

describe('a request', () => {
  test('of a new session has a digest of its id, and nothing that leads to a process', () => {
    const { headers } = new WayBack(greeterOf({}, ROUTE)).ask(URL_OF, { 'X-One': '1' });
    // The first 16 bytes of SHA-256("wsproxy session" and the id), by PROTOCOL.md.
    const whole = createHash('sha256').update(Buffer.concat([Buffer.from('wsproxy session'), ID]));
    expect(headers).toEqual({ 'X-One': '1', 'wsproxy-session': whole.digest().subarray(0, 16).toString('hex') });
    expect(headers['wsproxy-session']).not.toContain(ID.toString('hex').slice(0, 8));
  });

  test('has the digest of the session that its greeting will be of', () => {
    const greeter = greeterOf({});
    const back = new WayBack(greeter);
    const digest = () => back.ask(URL_OF, {}).headers['wsproxy-session'];
    const first = digest();
    greeter.next = { id: Buffer.alloc(16, 8), resumes: false };
    expect(digest()).not.toBe(first);
    greeter.next = { id: ID, resumes: true };
    expect(digest()).toBe(first);
  });

  test('that resumes says so, and where the session lives', () => {
    const { headers } = new WayBack(greeterOf({ resumes: true }, ROUTE)).ask(URL_OF, {});
    expect([headers['wsproxy-resume'], headers['wsproxy-route']]).toEqual(['1', ROUTE]);
    const without = new WayBack(greeterOf({ resumes: true })).ask(URL_OF, {}).headers;
    expect([without['wsproxy-resume'], 'wsproxy-route' in without]).toEqual(['1', false]);
  });
});

describe('the route', () => {
  const open = (back: WayBack, route: string) => back.ask(URL_OF, {}).onAnswer(101, { 'wsproxy-route': route });

  test('is that of the answer which opened the transport, until the session has told its own', () => {
    const greeter: { next: { id: Uint8Array; resumes: boolean }; route: string | undefined } = greeterOf({});
    const back = new WayBack(greeter);
    open(back, OTHER);
    greeter.next = { id: ID, resumes: true };
    expect(back.ask(URL_OF, {}).headers['wsproxy-route']).toBe(OTHER);
    greeter.route = ROUTE;
    expect(back.ask(URL_OF, {}).headers['wsproxy-route']).toBe(ROUTE);
  });

  test('is not that of another process which has answered a request to resume, nor of a refusal', () => {
    const greeter = greeterOf({});
    const back = new WayBack(greeter);
    open(back, ROUTE);
    back.ask(URL_OF, {}).onAnswer(503, { 'wsproxy-route': OTHER });
    greeter.next = { id: ID, resumes: true };
    open(back, OTHER);
    expect(back.route).toBe(ROUTE);
  });

  test.each(['', 'a b', 'a\u00e9', 'x'.repeat(65)])('is none when it could not stand in a request: %j', (route) => {
    const back = new WayBack(greeterOf({}));
    open(back, route);
    expect(back.route).toBeUndefined();
  });
});

describe('cookies', () => {
  const cookieOf = (back: WayBack, headers = {}) => back.ask(URL_OF, headers).headers['cookie'];

  test('of every answer come with the next request', () => {
    const back = new WayBack(greeterOf({}), CLOCK);
    expect('cookie' in back.ask(URL_OF, {}).headers).toBe(false);
    back.ask(URL_OF, {}).onAnswer(503, { 'set-cookie': ['SRV=s1; Path=/', 'b=2'] });
    expect(cookieOf(back)).toBe('SRV=s1; b=2');
    back.ask(URL_OF, {}).onAnswer(101, { 'set-cookie': ['SRV=s2; Path=/'] });
    expect(cookieOf(back)).toBe('b=2; SRV=s2');
  });

  test.each(['Cookie', 'cookie'])(
    'are joined with the header %s of the user, who has the last word on a name',
    (name) => {
      const back = new WayBack(greeterOf({}), CLOCK);
      back.ask(URL_OF, {}).onAnswer(101, { 'set-cookie': ['SRV=s1', 'b=2'] });
      const { headers } = back.ask(URL_OF, { [name]: 'login=x;SRV=mine;' });
      expect(headers).toEqual({ cookie: 'login=x; SRV=mine; b=2', 'wsproxy-session': expect.any(String) });
    },
  );

  test('go when the session begins again by another name, so that it comes to another process', () => {
    const greeter = greeterOf({});
    const back = new WayBack(greeter, CLOCK);
    back.ask(URL_OF, {}).onAnswer(101, { 'set-cookie': ['SRV=s1'] });
    const late = back.ask(URL_OF, {});
    expect(late.headers['cookie']).toBe('SRV=s1');
    greeter.next = { id: Buffer.alloc(16, 8), resumes: false };
    expect(cookieOf(back)).toBeUndefined();
    late.onAnswer(503, { 'set-cookie': ['SRV=s1'] });
    expect(cookieOf(back)).toBeUndefined();
    back.ask(URL_OF, {}).onAnswer(101, { 'set-cookie': ['SRV=s2'] });
    greeter.next.resumes = true;
    expect(cookieOf(back)).toBe('SRV=s2');
  });

  test('of a transport that opened, and was not the first, are of no use to the next one', () => {
    const back = new WayBack(greeterOf({}), CLOCK);
    back.ask(URL_OF, {}).onAnswer(101, { 'set-cookie': ['SRV=s1'] });
    const loser = back.ask(URL_OF, {});
    expect(loser.headersAfter({ 'set-cookie': ['SRV=s2'] })['cookie']).toBe('SRV=s2');
    expect(cookieOf(back)).toBe('SRV=s1');
  });

  test('of later answers go with the next requests, and with the next transport', () => {
    const back = new WayBack(greeterOf({}), CLOCK);
    const errand = back.ask(URL_OF, {});
    errand.onAnswer(200, { 'set-cookie': ['SRV=s1'], 'wsproxy-transport': 'id' });
    const later = [{ 'set-cookie': ['SRV=s1'], 'wsproxy-route': 'here' }, { 'set-cookie': ['SRV=s2'] }, {}];
    const headers = later.map((answer) => errand.headersAfter(answer));
    expect(headers.map(({ cookie }) => cookie)).toEqual(['SRV=s1', 'SRV=s2', 'SRV=s2']);
    expect(headers.map(({ 'wsproxy-route': route }) => route)).toEqual(['here', 'here', 'here']);
    expect(cookieOf(back)).toBe('SRV=s2');
  });

  test('of one session are unknown to another', () => {
    const [one, other] = [new WayBack(greeterOf({}), CLOCK), new WayBack(greeterOf({}), CLOCK)];
    one.ask(URL_OF, {}).onAnswer(101, { 'set-cookie': ['SRV=s1'] });
    expect([cookieOf(one), cookieOf(other)]).toEqual(['SRV=s1', undefined]);
  });
});

describe('503 with the route that was asked for', () => {
  const absence = (next: { resumes: boolean }, route: string | undefined, status: number, told: string | undefined) =>
    new WayBack(greeterOf(next, route)).ask(URL_OF, {}).isOwnersAbsence(status, { 'wsproxy-route': told });

  test('says that the process which has the session does not answer', () => {
    expect(absence({ resumes: true }, ROUTE, 503, ROUTE)).toBe(true);
  });

  test.each([
    [{ resumes: true }, ROUTE, 503, undefined],
    [{ resumes: true }, ROUTE, 503, OTHER],
    [{ resumes: true }, ROUTE, 502, ROUTE],
    [{ resumes: true }, undefined, 503, ROUTE],
    [{ resumes: true }, undefined, 503, undefined],
    [{ resumes: false }, ROUTE, 503, ROUTE],
  ])('and nothing else says it: %j, asked for %s, %i with %s', (next, route, status, told) => {
    expect(absence(next, route, status, told)).toBe(false);
  });
});
