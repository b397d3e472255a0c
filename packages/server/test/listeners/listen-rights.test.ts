import { describe, expect, test } from 'vitest';
import { type AuthorizeListenRequest, ListenRights } from '../../src/listeners/listen-rights.js';
import type { ListenPlace } from '../../src/listeners/rules/listen-place.js';
import type { User } from '../../src/users/user.js';

const alice: User = { id: 'alice' };
const at = (port: number, host = '127.0.0.1'): ListenPlace => ({ kind: 'tcp', host, port });

describe('the right to listen', () => {
  test('is on loopback, from port 1024 on, where nothing is said', () => {
    const rights = new ListenRights({});
    expect(rights.allows(alice, at(8_000))).toBe(true);
    expect(rights.allows(alice, at(1_023))).toBe(false);
    expect(rights.allows(alice, at(8_000, '0.0.0.0'))).toBe(false);
  });

  test('is what the rules of the server say, and nobody has it where these are an empty list', () => {
    const rights = new ListenRights({ allowListen: ['0.0.0.0:443'] });
    expect(rights.allows(alice, at(443, '0.0.0.0'))).toBe(true);
    expect(rights.allows(alice, at(8_000))).toBe(false);
    expect(new ListenRights({ allowListen: [] }).allows(alice, at(8_000))).toBe(false);
  });

  test('is what the own rules of a user say in their place, as they are now', () => {
    const rights = new ListenRights({ allowListen: ['*:8000-8099'] });
    const place = at(8_000);
    expect(rights.allows({ id: 'bob', listen: ['127.0.0.1:9000'] }, place)).toBe(false);
    expect(rights.allows({ id: 'bob', listen: ['127.0.0.1:8000'] }, place)).toBe(true);
    expect(rights.allows({ id: 'bob', listen: [] }, place)).toBe(false);
    expect(rights.portsToChoose({ id: 'bob', listen: ['127.0.0.1:9000-9001'] }, at(0))).toEqual([[9_000, 9_001]]);
  });

  test('is refused with a reason before anything is bound', async () => {
    const rights = new ListenRights({ allowListen: ['127.0.0.1:8000', 'unix:/run/app'] });
    await expect(rights.judge(alice, at(8_000), 'web')).resolves.toBeUndefined();
    await expect(rights.judge(alice, at(0), 'web')).resolves.toBeUndefined();
    await expect(rights.judge(alice, { kind: 'unix', host: '/run/app', port: 0 }, 'app')).resolves.toBeUndefined();
    for (const place of [at(8_001), at(0, '::1'), { kind: 'unix', host: '/run/other', port: 0 }] as ListenPlace[]) {
      await expect(rights.judge(alice, place, 'web')).rejects.toMatchObject({
        code: 'DENIED',
        message: 'denied:listen',
      });
    }
  });
});

describe('an embedding program', () => {
  test('is asked after the rules, and only true lets anybody listen', async () => {
    const asked: AuthorizeListenRequest[] = [];
    let answer: unknown = true;
    const authorizeListen = (request: AuthorizeListenRequest) => {
      asked.push(request);
      return answer as boolean;
    };
    const rights = new ListenRights({ authorizeListen });
    await rights.judge(alice, at(8_000), 'web');
    expect(asked).toEqual([{ user: alice, kind: 'tcp', host: '127.0.0.1', port: 8_000, name: 'web' }]);
    for (answer of [false, undefined, 1, Promise.resolve(false)]) {
      await expect(rights.judge(alice, at(8_000), 'web')).rejects.toMatchObject({
        code: 'DENIED',
        message: 'denied:authorizeListen',
      });
    }
    await expect(rights.judge(alice, at(80), 'web')).rejects.toMatchObject({ message: 'denied:listen' });
    expect(asked).toHaveLength(5);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
  ])('that %s lets nobody listen', async (_, authorizeListen) => {
    await expect(new ListenRights({ authorizeListen }).judge(alice, at(8_000), 'web')).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('no database'),
    });
  });
});
