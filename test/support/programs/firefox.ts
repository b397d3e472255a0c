import { once } from 'node:events';
import type { Page } from 'playwright';
import { WebSocket } from 'ws';
import { atEnd } from '../cleanup/at-end.js';
import { temporaryFolder } from '../temporary-folder.js';
import { Program } from './program.js';

/** As Debian calls it. */
export const FIREFOX = 'firefox-esr';

/** What a page of any browser can be told. */
export type ScriptedPage = Pick<Page, 'goto' | 'evaluate'>;

/**
 * A page in a Firefox that nobody has used before, closed with the test. Playwright drives a Firefox of its own alone: this one is told
 * by WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/). Firefox then asks for nothing on its own.
 */
export async function startFirefox(): Promise<ScriptedPage> {
  const [profile, home] = [temporaryFolder(), temporaryFolder()];
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank'];
  const program = new Program(FIREFOX, args, { env: { HOME: home } });
  const url = await program.untilStderr(/WebDriver BiDi listening on (ws:\S+)/, 60_000);
  const driver = await BidiSession.begin(`${url}/session`);
  atEnd(async () => {
    await driver.call('browser.close');
    await program.ended;
  });
  const { contexts } = await driver.call<{ contexts: { context: string }[] }>('browsingContext.getTree');
  return new FirefoxPage(driver, contexts[0]?.context ?? '');
}

class FirefoxPage implements ScriptedPage {
  readonly goto: Page['goto'];
  readonly evaluate: Page['evaluate'];

  constructor(driver: BidiSession, context: string) {
    this.goto = async (url) => {
      await driver.call('browsingContext.navigate', { context, url, wait: 'complete' });
      return null;
    };
    this.evaluate = (async (deed: unknown, given: unknown) => {
      const { result, exceptionDetails } = await driver.call<Evaluated>('script.callFunction', {
        functionDeclaration: `async (given) => JSON.stringify({ value: await (${String(deed)})(JSON.parse(given).value) })`,
        arguments: [{ type: 'string', value: JSON.stringify({ value: given }) }],
        awaitPromise: true,
        target: { context },
      });
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
      return (JSON.parse(result?.value ?? '{}') as { value: unknown }).value;
    }) as Page['evaluate'];
  }
}

/** Either how the function has ended, or what it has thrown. */
interface Evaluated {
  readonly result?: { readonly value: string };
  readonly exceptionDetails?: { readonly text: string };
}

/** Commands and their answers; nothing subscribes to events. */
class BidiSession {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  static async begin(url: string): Promise<BidiSession> {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const session = new BidiSession(socket);
    await session.call('session.new', { capabilities: {} });
    return session;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (message) => {
      const answer = JSON.parse(String(message)) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  async call<Result>(method: string, params: object = {}): Promise<Result> {
    this.#last += 1;
    const id = this.#last;
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
    if (answer.type === 'error') throw new Error(`${method}: ${answer.error}: ${answer.message}`);
    return answer.result as Result;
  }
}

type Answer =
  | { readonly id: number; readonly type: 'success'; readonly result: unknown }
  | { readonly id: number; readonly type: 'error'; readonly error: string; readonly message: string };
