import type { Settings } from 'wsproxy-cli/init';
import type { Front } from '../options/init-options.js';

/** What the user wants of the server. */
export interface Answers {
  readonly hostName: string;
  readonly front: Front;
  /** Flags of the server beside `init`; they go into the configuration file. */
  readonly settings: Settings;
}

/** The URL of the server for its clients. */
export function urlOf(answers: Answers): string {
  const [, port] = /(\d+)$/.exec(answers.front === 'none' ? listenIn(answers) : '') ?? [];
  return `wss://${answers.hostName}${port === undefined || port === '443' ? '' : `:${port}`}${pathIn(answers)}`;
}

export function pathIn({ settings }: Answers): string {
  return settings.get('path')?.[0] ?? '/tunnel';
}

/** Where the server listens, with its host; nothing where that is left to systemd. */
export function listenIn({ front, settings }: Answers): string {
  const [listen = front === 'none' ? '' : '127.0.0.1:8080'] = settings.get('listen') ?? [];
  return /^\d+$/.test(listen) ? `127.0.0.1:${listen}` : listen;
}
