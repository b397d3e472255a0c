import { dirname, join } from 'node:path';
import { shellWords } from 'wsproxy-cli/init';
import { type Answers, urlOf } from './answers.js';
import type { Credentials } from './credentials.js';
import { FRONT_FILES, type ReverseProxy } from './front-file.js';
import { hookIn, type Machine } from './plan-files.js';

/** What to do on this machine once the files are written: commands, in their order. */
export function nextSteps(answers: Answers, credentials: Credentials, machine: Machine): string[] {
  const look = shellWords([
    'curl',
    '-s',
    '-o',
    '/dev/null',
    '-w',
    '%{http_code}\\n',
    urlOf(answers).replace(/^wss/, 'https'),
  ]);
  const steps = machine.isService ? serviceSteps(answers, credentials, machine) : ownSteps(answers, machine);
  return [...steps, `${look}   # ${LOOKS_RIGHT}`];
}

const LOOKS_RIGHT = '401: the server is there, and wants the token';

function serviceSteps({ hostName, front }: Answers, { file }: Credentials, machine: Machine): string[] {
  const folder = dirname(machine.path);
  const group = machine.gid === undefined ? groupSteps([folder, machine.path, join(folder, file)]) : [];
  if (front === 'none') {
    return [
      ...group,
      shellWords(['certbot', 'certonly', '--standalone', '-d', hostName, '--deploy-hook', hookIn(folder)]),
      'systemctl daemon-reload',
      'systemctl disable --now wsproxy-server.service',
      'systemctl enable --now wsproxy-server.socket',
    ];
  }
  return [
    ...group,
    'systemctl daemon-reload',
    'systemctl enable wsproxy-server',
    'systemctl restart wsproxy-server',
    ...CERTIFICATES[front](hostName),
    shellWords(['cp', '--backup', join(folder, FRONT_FILES[front].file), FRONT_FILES[front].home]),
    `systemctl reload-or-restart ${front}`,
  ];
}

/** Its members read what root has written: the service is one. */
function groupSteps(paths: readonly string[]): string[] {
  return [
    'groupadd --system wsproxy',
    shellWords(['chgrp', 'wsproxy', ...paths]),
    shellWords(['chmod', 'g+rX', ...paths]),
  ];
}

/** How each reverse proxy comes by its certificate; Caddy does it by itself. */
const CERTIFICATES: Readonly<Record<ReverseProxy, (hostName: string) => string[]>> = {
  caddy: () => [],
  nginx: (hostName) => [
    `certbot certonly --webroot -w /var/www/html -d ${hostName} --deploy-hook 'systemctl reload nginx'`,
  ],
  haproxy: (hostName) => {
    const both = '"$RENEWED_LINEAGE/fullchain.pem" "$RENEWED_LINEAGE/privkey.pem"';
    const hook = `cat ${both} > /etc/haproxy/certs/${hostName}.pem && systemctl reload-or-restart haproxy`;
    return [
      'install -d -m 700 /etc/haproxy/certs',
      `certbot certonly --standalone -d ${hostName} --deploy-hook '${hook}'`,
    ];
  },
};

/** Where nothing runs services: each command keeps a terminal. */
function ownSteps({ front }: Answers, { path, command }: Machine): string[] {
  const folder = dirname(path);
  const server = shellWords([...command.typed, '--config', path]);
  if (front === 'none') {
    const before = `put the certificate into ${join(folder, 'fullchain.pem')}, its key into privkey.pem`;
    return [`# ${before}`, server];
  }
  const file = join(folder, FRONT_FILES[front].file);
  const run = {
    caddy: ['caddy', 'run', '--config', file],
    nginx: ['nginx', '-c', file],
    haproxy: ['haproxy', '-f', file],
  };
  return [server, shellWords(run[front])];
}
