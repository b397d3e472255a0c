import { join } from 'node:path';
import type { Front } from '../options/init-options.js';
import { type Answers, listenIn, pathIn } from './answers.js';
import { CADDY, HAPROXY, NGINX } from './deploy-files.js';

/** The configuration of the reverse proxy: the file of deploy/ with the user's answers in it. */
export function frontFile(front: ReverseProxy, answers: Answers, folder: string): FrontFile {
  const { file, template, title } = FRONT_FILES[front];
  return {
    path: join(folder, file),
    what: `the configuration of ${title}`,
    text: filled(template, [
      [/^(?:#.*\n)+/, `# ${title} in front of wsproxy-server. wsproxy-server init has written this file.\n`],
      [/proxy\.example\.org/g, answers.hostName],
      [/(?<=\bhandle |\blocation = |\{ path )\/tunnel/g, pathIn(answers)],
      [/127\.0\.0\.1:8080/g, listenIn(answers)],
    ]),
  };
}

/** A program in front of the server. */
export type ReverseProxy = Exclude<Front, 'none'>;

interface FrontFile {
  readonly path: string;
  readonly text: string;
  readonly what: string;
}

/** `file`: its name in the folder of the server. `home`: where the program has it. */
export const FRONT_FILES: Readonly<
  Record<ReverseProxy, Readonly<Record<'file' | 'template' | 'title' | 'home', string>>>
> = {
  caddy: { file: 'Caddyfile', template: CADDY, title: 'Caddy', home: '/etc/caddy/Caddyfile' },
  nginx: { file: 'nginx.conf', template: NGINX, title: 'nginx', home: '/etc/nginx/nginx.conf' },
  haproxy: { file: 'haproxy.cfg', template: HAPROXY, title: 'HAProxy', home: '/etc/haproxy/haproxy.cfg' },
};

function filled(template: string, values: readonly (readonly [from: RegExp, to: string])[]): string {
  return values.reduce((text, [from, to]) => {
    if (text.search(from) < 0) throw new Error(`a file of deploy/ does not say ${from.source} any more`);
    return text.replace(from, () => to);
  }, template);
}
