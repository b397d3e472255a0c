import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { RawHeaders } from '../watcher.js';
import type {
  Call,
  Failure,
  FromThread,
  HeaderChange,
  Hook,
  MessageVerdict,
  RequestFacts,
  ResponseFacts,
  ToThread,
  Verdict,
} from './calls.js';
import type { InspectScript, ScriptBody, ScriptMessage, ScriptRequest, ScriptResponse } from './inspect-script.js';

// The thread that a script runs in. It imports nothing else that runs: executables hold it as one file.

const { script: scriptUrl } = workerData as { readonly script: string };
const bodies = new Map<number, (body: Uint8Array | string) => void>();

void load();

async function load(): Promise<void> {
  process.on('uncaughtException', (error) => tell({ kind: 'stray', ...failureOf(error) }));
  try {
    const script = checked(await import(scriptUrl));
    parentPort?.on('message', (message: ToThread) => receive(script, message));
    tell({ kind: 'loaded', hooks: HOOKS.filter((hook) => script[hook] !== undefined) });
  } catch (error) {
    tell({ kind: 'unusable', ...failureToLoad(error) });
    parentPort?.close();
  }
}

/** Newer versions of Node run TypeScript, too. */
function failureToLoad(error: unknown): Failure {
  const failure = failureOf(error);
  if ((error as NodeJS.ErrnoException).code !== 'ERR_UNKNOWN_FILE_EXTENSION') return failure;
  return { reason: `${failure.reason}; name it .mjs, in JavaScript`, at: fileURLToPath(scriptUrl) };
}

const HOOKS_TEXT = 'onRequest, onResponse or onMessage';

/** @throws TypeError in one line when the module is no script */
function checked(module: { readonly default?: unknown }): InspectScript {
  const script = module.default;
  if (typeof script !== 'object' || script === null) {
    throw new TypeError(`it has no default export with ${HOOKS_TEXT}`);
  }
  for (const hook of HOOKS) {
    const value = (script as Readonly<Record<Hook, unknown>>)[hook];
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${hook} is no function`);
  }
  const unknown = Object.keys(script).find((name) => /^on[A-Z]/.test(name) && !HOOKS.some((hook) => hook === name));
  if (unknown !== undefined) throw new TypeError(`${unknown} is never called; expected ${HOOKS_TEXT}`);
  if (!HOOKS.some((hook) => hook in script)) throw new TypeError(`its default export has no ${HOOKS_TEXT}`);
  return script;
}

function receive(script: InspectScript, message: ToThread): void {
  if (message.kind === 'ping') return tell({ kind: 'pong' });
  const { number } = message;
  if (message.kind === 'body') {
    bodies.get(number)?.(message.body);
    return void bodies.delete(number);
  }
  run(script, message.call, number)
    .then((verdict) => tell({ kind: 'verdict', number, verdict }))
    // Also where a verdict cannot be sent: its memory may be detached.
    .catch((error) => tell({ kind: 'failed', number, ...failureOf(error) }));
}

async function run(script: InspectScript, call: Call, number: number): Promise<Verdict | MessageVerdict> {
  if (call.hook === 'onMessage') return runMessage(script, call.message);
  if (call.hook === 'onRequest') {
    const request: ScriptRequest = shown(call.request, number);
    const reply = await script.onRequest?.(request);
    return reply === undefined ? changeOf(call.request, request) : answerOf(reply);
  }
  const response: ScriptResponse = shown(call.response, number);
  const reply = await script.onResponse?.(response, { ...call.request, headers: headersOf(call.request.headers) });
  return reply === undefined ? changeOf(call.response, response) : answerOf(reply);
}

async function runMessage(
  script: InspectScript,
  facts: Extract<Call, { hook: 'onMessage' }>['message'],
): Promise<MessageVerdict> {
  let isDropped = false;
  const message: ScriptMessage = {
    ...facts,
    drop() {
      isDropped = true;
    },
  };
  // What the script writes into the bytes is a change as well.
  const before = typeof facts.data === 'string' ? facts.data : Uint8Array.from(facts.data);
  // Types forbid it, and programs in JavaScript may do it.
  const returned: unknown = await script.onMessage?.(message);
  if (returned !== undefined) throw new TypeError('onMessage has to return nothing; set data, or call drop');
  if (isDropped) return { kind: 'drop' };
  const { data } = message;
  if (typeof data === 'string') return data === before ? undefined : { kind: 'message', data };
  const bytes = bytesOf(data, 'data');
  if (typeof before !== 'string' && Buffer.compare(before, bytes) === 0) return undefined;
  return { kind: 'message', data: bytes };
}

/** As the script gets it. */
function shown<Facts extends Pick<RequestFacts, 'headers'>>(facts: Facts, number: number): Shown<Facts> {
  return { ...facts, headers: headersOf(facts.headers), body: undefined, ...readersOf(number) };
}

type Shown<Facts> = Omit<Facts, 'headers'> & { readonly headers: Headers } & ScriptBody;

/** The client reads a body when the script asks for it, and once. */
function readersOf(number: number): Omit<ScriptBody, 'body'> {
  let body: Promise<Uint8Array> | undefined;
  const ask = async (): Promise<Uint8Array> => {
    const came = await new Promise<Uint8Array | string>((resolve) => {
      bodies.set(number, resolve);
      tell({ kind: 'wants body', number });
    });
    if (typeof came === 'string') throw new Error(came);
    return came;
  };
  const bytes = (): Promise<Uint8Array> => {
    body ??= ask();
    return body;
  };
  const text = async (): Promise<string> => new TextDecoder().decode(await bytes());
  return { bytes, text, json: async () => JSON.parse(await text()) as unknown };
}

/** What the script has made of it. */
function changeOf(was: RequestFacts | ResponseFacts, is: ScriptRequest | ScriptResponse): Verdict {
  const fields: Record<string, unknown> = {};
  for (const [key, type] of FIELDS) {
    const now: unknown = Reflect.get(is, key);
    if (now === Reflect.get(was, key)) continue;
    if (typeof now !== type) throw new TypeError(`${key} has to be a ${type}`);
    fields[key] = now;
  }
  checkFields(fields, was);
  const headers = headerChanges(headersOf(was.headers), is.headers);
  const body = is.body === undefined ? undefined : bytesOf(is.body, 'body');
  if (body === undefined && headers.length === 0 && Object.keys(fields).length === 0) return undefined;
  return { kind: 'change', ...fields, headers, ...(body && { body }) };
}

/** @throws TypeError for what cannot be sent */
function checkFields({ method, url, status, statusText }: Readonly<Record<string, unknown>>, was: object): void {
  if (method !== undefined) {
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(String(method))) throw new TypeError(`${String(method)} is no method`);
    // They say how long an answer is.
    if ([method, Reflect.get(was, 'method')].some((one) => one === 'HEAD' || one === 'CONNECT')) {
      throw new TypeError('the method cannot change from or to HEAD or CONNECT');
    }
  }
  if (url !== undefined && !URL.canParse(String(url))) throw new TypeError('url has to begin with its scheme and host');
  if (url !== undefined && originOf(url) !== originOf(Reflect.get(was, 'url'))) {
    throw new TypeError('url cannot lead to another host or port');
  }
  if (status !== undefined && !(Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 599)) {
    throw new TypeError('status has to be a number from 200 to 599');
  }
  if (statusText !== undefined && !/^[\t\x20-\x7e\x80-\xff]*$/.test(String(statusText))) {
    throw new TypeError('statusText has a character that cannot be sent');
  }
}

function originOf(url: unknown): string {
  return new URL(String(url)).origin;
}

const FIELDS = [
  ['method', 'string'],
  ['url', 'string'],
  ['status', 'number'],
  ['statusText', 'string'],
] as const;

function headerChanges(before: Headers, now: unknown): readonly HeaderChange[] {
  if (!(now instanceof Headers)) throw new TypeError('headers cannot be replaced; use headers.set and headers.delete');
  const names = new Set([...before.keys(), ...now.keys()]);
  return [...names]
    .map((name): HeaderChange => [name, valuesOf(now, name)])
    .filter(([name, values]) => JSON.stringify(values) !== JSON.stringify(valuesOf(before, name)));
}

function valuesOf(headers: Headers, name: string): readonly string[] {
  if (name === 'set-cookie') return headers.getSetCookie();
  const value = headers.get(name);
  return value === null ? [] : [value];
}

/** Without those that Fetch has no room for; they pass unchanged. */
function headersOf(raw: RawHeaders): Headers {
  const headers = new Headers();
  for (let n = 0; n + 1 < raw.length; n += 2) {
    try {
      headers.append(raw[n] ?? '', raw[n + 1] ?? '');
    } catch {
      // Its name or value is odd.
    }
  }
  return headers;
}

async function answerOf(reply: unknown): Promise<Verdict> {
  if (!(reply instanceof Response)) throw new TypeError('it has to return a Response or nothing');
  if (reply.type === 'error') return { kind: 'abort' };
  const { status, statusText } = reply;
  const headers = [...reply.headers].flat();
  return { kind: 'answer', status, statusText, headers, body: new Uint8Array(await reply.arrayBuffer()) };
}

function bytesOf(value: unknown, name: string): Uint8Array {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`${name} has to be a string or a Uint8Array`);
}

function failureOf(thrown: unknown): Failure {
  try {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const [reason = ''] = String(error.message).split('\n');
    return { reason, at: placeIn(String(error.stack ?? '')) };
  } catch {
    // Such as an object without a prototype.
    return { reason: 'it has thrown something that is no error and no text', at: undefined };
  }
}

/** Where the script was, or else a module that it imports. */
function placeIn(stack: string): string | undefined {
  const places = [...stack.matchAll(/(file:\/\/[^\s()]+?):(\d+)/g)].filter(([, url]) => url !== import.meta.url);
  const [, url, line] = places.find(([, url]) => url === scriptUrl) ?? places[0] ?? [];
  return url === undefined ? undefined : `${fileURLToPath(url)}:${line}`;
}

function tell(message: FromThread): void {
  parentPort?.postMessage(message);
}

const HOOKS: readonly Hook[] = ['onRequest', 'onResponse', 'onMessage'];
