import { describe, expect, test } from 'vitest';
import { readRouteInUrl } from '../../src/gateway/route-in-url.js';

const ROUTE = 'ams-1.0123456789ab';

/** What a request with this URL and these headers says afterwards. */
function read(url: string, headers: Record<string, string> = {}) {
  const request = { url, headers: { ...headers }, rawHeaders: [] as string[] };
  readRouteInUrl(request);
  return request;
}

describe('a route in a URL', () => {
  test('counts as the headers that a page cannot set', () => {
    expect(read(`/tunnel?r=${ROUTE}`)).toMatchObject({
      headers: { 'wsproxy-resume': '1', 'wsproxy-route': ROUTE },
      rawHeaders: ['Wsproxy-Resume', '1'],
    });
    expect(read(`/?a=b&r=${ROUTE}#c`).headers['wsproxy-resume']).toBe('1');
  });

  test('may be missing from a session that goes on', () => {
    expect(read('/?r=').headers).toEqual({ 'wsproxy-resume': '1' });
  });

  test('is none where headers say it, or nothing does', () => {
    expect(read('/?r=else', { 'wsproxy-resume': '1', 'wsproxy-route': ROUTE }).headers['wsproxy-route']).toBe(ROUTE);
    for (const url of ['/', '/?', '/r=1', '/?route=1', '*', '']) expect(read(url).headers).toEqual({});
  });
});
