import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { describe, expect, test } from 'vitest';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { newId } from 'wsproxy-test-support/wire/raw-http';
import { BALANCERS, type StartBalancer } from './balancers.js';
import { startBehind } from './behind.js';
import { NAMES } from './nodes.js';

describe.each(['nginx', 'haproxy'])('behind %s that goes without a node at its first bad answer', (program) => {
  skipUnlessInstalled(program);
  skipUnlessInstalled('openssl');

  test('a transport over HTTP that breaks makes no node bad', async () => {
    const start = BALANCERS[program] as StartBalancer;
    const behind = { way: 'as shipped', names: NAMES, knowEachOther: false, isWary: true } as const;
    const { balancer, relay } = await startBehind(start, behind);
    const agent = new Agent({ rejectUnauthorized: false, keepAlive: true });
    atEnd(async () => agent.destroy());

    /** The head of the answer to one of the requests of a transport of one session. */
    async function ask(part: string): Promise<IncomingMessage> {
      const asking = request({
        ...{ host: 'localhost', port: relay.port, path: '/tunnel', method: 'POST', agent },
        headers: {
          ...{ authorization: `Bearer ${TOKEN}`, 'wsproxy-transport': part, 'wsproxy-session': 'ab'.repeat(16) },
          'content-length': 0,
        },
      });
      asking.end();
      const [answer] = (await once(asking, 'response')) as [IncomingMessage];
      answer.resume();
      return answer;
    }

    const routes = new Set<unknown>();
    for (let n = 0; n < 3; n += 1) {
      const id = newId();
      const opening = await ask(`${id};open-poll`);
      expect(opening.statusCode).toBe(200);
      routes.add(opening.headers['wsproxy-route']);
      const polls = [ask(`${id};poll=1`), ask(`${id};poll=2`)];
      // Out of turn: it breaks the transport.
      expect((await ask(`${id};piece=7`)).statusCode).toBe(409);
      expect((await Promise.all(polls)).map(({ statusCode }) => statusCode)).toEqual([409, 409]);
    }
    expect(routes.size).toBe(1);
    expect(balancer.said()).not.toMatch(/prematurely closed|temporarily disabled|is DOWN/);
  });
});
