import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { until } from 'wsproxy-test-support/until';
import { digestOf, openStoredUsers, type StoredUsers } from '../../packages/server/src/store/stored-users.js';

skipUnlessInstalled('redis-server');

const MOST = 1_000;
const ALICE = '- { id: alice }\n';

async function newRedis(...settings: readonly string[]): Promise<RedisProgram> {
  const redis = new RedisProgram();
  await redis.start(...settings);
  return redis;
}

function open(url: string): StoredUsers {
  const users = openStoredUsers(url);
  atEnd(() => users.close());
  return users;
}

describe('the users in Redis', () => {
  test('are none at first, then those that were put there last', async () => {
    const { url } = await newRedis();
    const [here, there] = [open(url), open(url)];
    expect(await here.read(MOST)).toEqual({ state: 'missing' });
    await here.put(ALICE);
    const digest = digestOf(ALICE);
    expect(await there.read(MOST)).toEqual({ state: 'there', digest, text: ALICE });
    expect(await there.read(MOST, digest)).toEqual({ state: 'known' });
    await here.put('# nobody');
    expect(await there.read(MOST, digest)).toMatchObject({ state: 'there', text: '# nobody' });
  });

  test('are not taken when they are larger than anybody wants them', async () => {
    const { url } = await newRedis();
    const users = open(url);
    const text = 'x'.repeat(MOST + 1);
    await users.put(text);
    expect(await users.read(MOST)).toEqual({ state: 'too large', digest: digestOf(text) });
    expect(await users.read(MOST + 1)).toMatchObject({ state: 'there', text });
  });

  test('are apart for each cluster', async () => {
    const { url } = await newRedis();
    const [one, other] = [open(`${url}?cluster=one`), open(`${url}?cluster=other`)];
    await one.put(ALICE);
    expect(await one.read(MOST)).toMatchObject({ text: ALICE });
    expect(await other.read(MOST)).toEqual({ state: 'missing' });
  });

  test('are news to those who watch', async () => {
    const { url } = await newRedis();
    const [here, there] = [open(url), open(url)];
    let news = 0;
    there.watch(() => {
      news += 1;
    });
    // The first one says that the connection is there.
    await until('it watches', () => news === 1);
    await until('it is told', async () => {
      await here.put(ALICE);
      return news > 1;
    });
  });

  test('are away without an answer, and there again after it', async () => {
    const redis = await newRedis();
    const users = open(redis.url);
    await users.put(ALICE);
    redis.signal('SIGSTOP');
    await expect(users.read(MOST)).rejects.toMatchObject({ code: 'away' });
    redis.signal('SIGCONT');
    await until('it answers', async () => {
      const read = await users.read(MOST).catch(() => undefined);
      return read?.state === 'there';
    });
  });

  test('may be read by a server that may not change them, by the rights that docs/store.md gives it', async () => {
    const redis = await newRedis();
    await open(redis.url).put(ALICE);
    const rights = ['~wsproxy:*', '%R~wsproxy-users:*', '&wsproxy:*', '+@all', '-@admin', '-@dangerous', '+eval'];
    expect(await redis.cli('ACL', 'SETUSER', 'default', 'resetkeys', 'resetchannels', ...rights)).toBe('OK');
    const server = open(redis.url);
    expect(await server.read(MOST)).toMatchObject({ state: 'there', text: ALICE });
    await expect(server.put('# nobody')).rejects.toMatchObject({ code: 'away' });
    expect(await server.read(MOST)).toMatchObject({ state: 'there', text: ALICE });
  });
});
