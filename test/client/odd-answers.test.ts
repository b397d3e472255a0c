import { describe, expect, test } from 'vitest';
import {
  JUDGED,
  MENDED,
  type OddAnswer,
  startOddAnswers,
  UNUSABLE,
} from 'wsproxy-test-support/destinations/odd-answers';
import { type Ask, HTTP_CLIENTS, type Outcome, POOLED } from 'wsproxy-test-support/programs/http-clients/http-clients';
import { skipMissing, skipUnlessInstalled, skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startTunnel } from 'wsproxy-test-support/tunnel';

/** Go may have to be compiled first, all of its library. */
const TIMEOUT = 180_000;

type Answers = Readonly<Record<string, OddAnswer>>;

/** What a program makes of each answer, directly and through the tunnel. */
async function compare(ask: Ask, answers: Answers): Promise<Map<string, Compared>> {
  const [{ port }, origin] = await Promise.all([startTunnel(), startOddAnswers(answers)]);
  const questions = Object.entries(answers).map(([name, { method = 'GET' }]) => {
    return { name, method, url: `http://127.0.0.1:${origin.port}/${name}` };
  });
  const direct = await ask(questions);
  const through = await ask(questions, `http://127.0.0.1:${port}`);
  const silent: Outcome = { error: 'the program says nothing of it' };
  return new Map(
    questions.map(({ name }) => [name, { direct: direct.get(name) ?? silent, through: through.get(name) ?? silent }]),
  );
}

interface Compared {
  readonly direct: Outcome;
  readonly through: Outcome;
}

/** Programs have words of their own for a failure, and other words for another failure. */
function withoutWords(outcome: Outcome): unknown {
  return outcome.error === undefined ? { status: outcome.status, content: outcome.content } : 'a failure';
}

/** Those of which it is not so, by name: empty when all is well. */
function exceptions(all: Map<string, Compared>, answers: Answers, isSo: (one: Compared, answer: OddAnswer) => boolean) {
  return Object.entries(answers).flatMap(([name, answer]) => {
    const compared = all.get(name);
    return compared === undefined || isSo(compared, answer) ? [] : [{ name, ...compared }];
  });
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

describe.each(HTTP_CLIENTS.map((client) => [client.name, client] as const))('%s', (clientName, client) => {
  skipUnlessInstalled(client.program);

  test(
    'gets every answer through the tunnel that it gets directly, and none that is cut',
    async (context) => {
      const ask = (await client.prepare()) ?? skipMissing(context, clientName);
      const answers = Object.entries({ ...MENDED, ...JUDGED, ...UNUSABLE });
      const asked = answers.filter(([name]) => client.only?.includes(name) ?? true);
      const all = await compare(ask, Object.fromEntries(asked));
      const isMended = ({ direct, through }: Compared, { status, content, not = [] }: OddAnswer): boolean => {
        const expected = not.some((name) => clientName.startsWith(name)) ? withoutWords(direct) : { status, content };
        return same(withoutWords(through), expected);
      };
      expect(exceptions(all, MENDED, isMended)).toEqual([]);
      const isAlike = ({ direct, through }: Compared): boolean => same(withoutWords(direct), withoutWords(through));
      expect(exceptions(all, JUDGED, isAlike)).toEqual([]);
      const isFailure = ({ through: { status } }: Compared): boolean =>
        status === undefined || status === 502 || status < 200;
      expect(exceptions(all, UNUSABLE, isFailure)).toEqual([]);
    },
    TIMEOUT,
  );
});

test('a program that keeps its connections loses no request to an origin that ends them without a word', async (context) => {
  skipWithout(context, POOLED.program);
  const ask = (await POOLED.prepare()) ?? skipMissing(context, 'Python requests');
  const names = Array.from({ length: 50 }, (_, index) => `answer-${index}`);
  const plain = { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' };
  const all = await compare(ask, Object.fromEntries(names.map((name) => [name, plain])));
  const lost = names.filter((name) => all.get(name)?.through.status !== 200);
  expect(lost).toEqual([]);
});
