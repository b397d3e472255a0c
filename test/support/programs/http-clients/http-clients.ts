import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FEW } from '../../destinations/odd-answers.js';
import { temporaryFolder } from '../../temporary-folder.js';
import { run } from '../program.js';
import { pythonWith } from '../python.js';

/** What a program made of an answer; `error` is its own word for a failure. */
export type Outcome =
  | { readonly status: number; readonly content: string; readonly error?: never }
  | { readonly error: string; readonly status?: never };

export interface Question {
  readonly name: string;
  readonly method: string;
  readonly url: string;
}

/** A real program that asks many questions, through a proxy or directly. */
export interface HttpClient {
  readonly name: string;
  /** What must be installed; the test skips without. */
  readonly program: string;
  /** All that it is asked: it is slow, and tells no status. */
  readonly only?: readonly string[];
  /** Builds it, if need be; undefined when a library of it is missing. */
  prepare(): Promise<Ask | undefined>;
}

export type Ask = (questions: readonly Question[], proxy?: string) => Promise<ReadonlyMap<string, Outcome>>;

export const HTTP_CLIENTS: readonly HttpClient[] = [
  { name: 'curl', program: 'curl', prepare: async () => askCurl },
  { name: 'wget', program: 'wget', prepare: async () => askWget },
  python('urllib'),
  python('requests'),
  python('aiohttp'),
  python('pip'),
  node('http'),
  node('undici'),
  { name: 'Go', program: 'go', prepare: buildGo },
  java('HttpURLConnection'),
  java('HttpClient'),
  { name: 'apt', program: '/usr/lib/apt/apt-helper', only: FEW, prepare: async () => askApt },
  { name: 'npm', program: 'npm', only: FEW.slice(0, 4), prepare: async () => askNpm },
];

/** One that keeps its connections, as browsers and package managers do; the others take a new one for each question. */
export const POOLED: HttpClient = python('pool');

/** Of a whole run. */
const TIMEOUT = 120_000;

function python(library: string): HttpClient {
  const module = { pip: 'pip._vendor.requests', pool: 'requests', urllib: 'urllib.request' }[library] ?? library;
  return {
    name: `Python ${library}`,
    program: 'python3',
    async prepare() {
      const interpreter = await pythonWith(module);
      return interpreter === undefined ? undefined : askLines(interpreter, pathOf('fetch.py'), library);
    },
  };
}

function node(library: string): HttpClient {
  const prepare = async (): Promise<Ask> => askLines(process.execPath, pathOf('fetch.mjs'), library);
  return { name: `Node ${library}`, program: process.execPath, prepare };
}

function java(library: string): HttpClient {
  async function prepare(): Promise<Ask> {
    const folder = temporaryFolder();
    await build('javac', ['-d', folder, pathOf('Fetch.java')]);
    return askLines('java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', folder, 'Fetch', library);
  }
  return { name: `Java ${library}`, program: 'javac', prepare };
}

async function buildGo(): Promise<Ask> {
  const file = join(temporaryFolder(), 'fetch');
  await build('go', ['build', '-o', file, pathOf('fetch.go')]);
  return askLines(file);
}

async function build(command: string, args: readonly string[]): Promise<void> {
  const env = { GOTOOLCHAIN: 'local', GO111MODULE: 'off', GOTELEMETRY: 'off' };
  const { code, stderr } = await run(command, args, { env, timeout: TIMEOUT });
  if (code !== 0) throw new Error(`${command}: ${stderr}`);
}

/** A program that reads the questions, and prints a line of JSON for each. */
function askLines(command: string, ...args: string[]): Ask {
  return async (questions, proxy) => {
    const input = questions.map(({ name, method, url }) => `${name} ${method} ${url}\n`).join('');
    const ended = await run(command, proxy === undefined ? args : [...args, proxy], { input, timeout: TIMEOUT });
    if (ended.code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${ended.code}: ${ended.stderr}`);
    const lines = ended.stdout.split('\n').filter((line) => line !== '');
    return new Map(
      lines.map((line) => JSON.parse(line) as { name: string } & Outcome).map((each) => [each.name, each]),
    );
  };
}

async function askCurl(questions: readonly Question[], proxy?: string): Promise<ReadonlyMap<string, Outcome>> {
  const folder = temporaryFolder();
  const config = questions.map(({ name, method, url }) =>
    [
      'silent\nmax-time = 10',
      `url = "${url}"\noutput = "${join(folder, name)}"\nwrite-out = "${name} %{http_code} %{exitcode}\\n"`,
      method === 'HEAD' ? 'head' : `request = "${method}"`,
      proxy === undefined ? 'noproxy = "*"' : `proxy = "${proxy}"`,
    ].join('\n'),
  );
  const { stdout } = await run('curl', ['-q', '-K', '-'], { input: config.join('\nnext\n'), timeout: TIMEOUT });
  return new Map(
    Array.from(stdout.matchAll(/^(\S+) (\d+) (\d+)$/gm)).map(([, name = '', status = '', exit]): [string, Outcome] => {
      const isHead = questions.some((question) => question.name === name && question.method === 'HEAD');
      const content = isHead ? '' : contentOf(join(folder, name));
      return [name, exit === '0' ? { status: Number(status), content } : { error: `exit code ${exit}` }];
    }),
  );
}

async function askWget(questions: readonly Question[], proxy?: string): Promise<ReadonlyMap<string, Outcome>> {
  const file = join(temporaryFolder(), 'file');
  const way = proxy === undefined ? ['--no-proxy'] : ['-e', 'use_proxy=yes', '-e', `http_proxy=${proxy}`];
  const basics = ['--no-config', '--tries=1', '--timeout=10', '--server-response', '--content-on-error', ...way];
  return inTurn(questions, async ({ method, url }) => {
    const what = method === 'HEAD' ? ['--spider'] : ['--output-document', file];
    const { code, stderr } = await run('wget', [...basics, ...what, url]);
    // 8: an error status.
    const status = code === 0 || code === 8 ? stderr.match(/^ {2}HTTP\/\S+ (\d+)/gm)?.at(-1) : undefined;
    if (status === undefined) return { error: `exit code ${code}` };
    return { status: Number(status.split(' ').at(-1)), content: method === 'HEAD' ? '' : contentOf(file) };
  });
}

/** It asks its registry whether it is there, and takes any answer with 200 for a yes. */
async function askNpm(questions: readonly Question[], proxy?: string): Promise<ReadonlyMap<string, Outcome>> {
  const way = proxy === undefined ? ['--noproxy', '*'] : ['--proxy', proxy, '--noproxy', 'nowhere.example'];
  const basics = ['--fetch-retries', '0', '--fetch-timeout', '10000', '--no-update-notifier', ...way];
  return inTurn(questions, async ({ url }) => {
    const { code } = await run('npm', ['ping', '--registry', `${url}/`, ...basics], { cwd: temporaryFolder() });
    return code === 0 ? { status: 200, content: 'hello' } : { error: `exit code ${code}` };
  });
}

/** The program that fetches for apt. */
async function askApt(questions: readonly Question[], proxy?: string): Promise<ReadonlyMap<string, Outcome>> {
  return inTurn(questions, async ({ url }) => {
    // apt goes on with a file that is there.
    const file = join(temporaryFolder(), 'file');
    const options = [`Acquire::http::Proxy=${proxy ?? 'DIRECT'}`, 'Acquire::Retries=0', 'Acquire::http::Timeout=10'];
    const args = options.flatMap((option) => ['-o', option]);
    const { code } = await run('/usr/lib/apt/apt-helper', [...args, 'download-file', url, file]);
    return code === 0 ? { status: 200, content: contentOf(file) } : { error: `exit code ${code}` };
  });
}

async function inTurn(
  questions: readonly Question[],
  ask: (question: Question) => Promise<Outcome>,
): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const question of questions) outcomes.set(question.name, await ask(question));
  return outcomes;
}

/** Programs make no file for nothing. */
function contentOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'latin1') : '';
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
