import { Command } from 'commander';
import {
  addCommonOptions,
  addCompletionCommand,
  addConfigFile,
  addHelpTexts,
  addOptions,
  asUsage,
  parseListenAddress,
  parseListenOrUnix,
  runProgram,
} from 'wsproxy-cli';
import { VERSION } from 'wsproxy-engine/version';
import { SERVICE_PATH } from '../init/service-path.js';
import { OPTIONS } from '../options/options.js';
import { readAssignment } from '../workers/assignment.js';
import { checkPeer } from './cluster-flags.js';
import { parseHostName } from './host-name.js';
import { addInitCommand } from './init-command.js';
import { parseListen } from './listen.js';
import { serve } from './serve.js';
import { parseServerName } from './server-name.js';
import { checkAdvertised } from './store-flags.js';
import { addTokenCommand } from './token-command.js';
import { addUsersCommand } from './users-command.js';
import { checkWorkers, parseWorkers, type WorkersFlags } from './workers-flags.js';

const program = new Command('wsproxy-server').description(
  'The far end of the tunnel: accepts WebSockets, dials what its clients ask for.',
);
addOptions(program, OPTIONS, {
  address: (text) => parseListenOrUnix(text, '127.0.0.1'),
  'server address': parseListen,
  'TCP address': (text) => parseListenAddress(text, '127.0.0.1'),
  peer: checkPeer,
  'advertised address': checkAdvertised,
  name: parseHostName,
  'server name': parseServerName,
  workers: parseWorkers,
});
addHelpTexts(
  program,
  `
Examples:
  wsproxy-server init
  wsproxy-server token --id alice
  wsproxy-server --listen 127.0.0.1:8080 --path /tunnel --token-file token

Put a TLS reverse proxy in front before you let the Internet reach it, or give --tls-cert and --tls-key.
Exit codes: 0 stopped by a signal, 1 cannot listen, 2 wrong usage, 70 a defect.`,
  `
Examples:
  wsproxy-server init
  wsproxy-server init --host-name proxy.example.org --front caddy --user alice --user bob
  WSPROXY_TOKEN=$(wsproxy-server token | head -n 1) wsproxy-server
  wsproxy-server --listen 127.0.0.1:8080 --path /tunnel --token-file /etc/wsproxy/token
  wsproxy-server token --id alice
  wsproxy-server --users /etc/wsproxy/users.yaml
  wsproxy-server --listen 0.0.0.0:443 --tls-cert fullchain.pem --tls-key privkey.pem --token-file token

SIGHUP reads the files of --users, --token-file, --tls-cert and --cluster-cert again, as does a change of them; it never ends the server.
With --workers, SIGUSR2 has new workers take what is new, from what the files hold then; nobody is refused meanwhile.
Put a TLS reverse proxy in front before you let the Internet reach it, or give --tls-cert and --tls-key.
Exit codes: 0 stopped by a signal, 1 cannot listen, 2 wrong usage or no token, 70 a defect.`,
);
addCommonOptions(program, VERSION);
const usersCommands = addUsersCommand(program, (text) => process.stdout.write(text));
addConfigFile(program, {
  name: 'server',
  env: process.env,
  serviceFile: SERVICE_PATH,
  alsoFor: usersCommands,
  judge: async (...setting) => (await import('./check-settings.js')).checkSetting(...setting),
  judgeAll: async () => (await import('./check-settings.js')).checkSettings(program),
});
addInitCommand(program, process);
addTokenCommand(program, (text) => process.stdout.write(text));
program.action(async (flags: WorkersFlags) => {
  asUsage(program, () => checkWorkers(program, flags));
  // What is not used is not loaded: one process without workers starts as fast as if there were none.
  const assignment = readAssignment(process);
  if (assignment !== undefined)
    return (await import('./serve-worker.js')).serveWorker(program, flags, process, assignment);
  if (flags.workers !== undefined) return (await import('./serve-workers.js')).serveWorkers(program, flags, process);
  return serve(program, flags, process);
});
addCompletionCommand(program, (text) => process.stdout.write(text));
// Not awaited: executables hold the programs as CommonJS, which has no `await` here.
void runProgram(program, process.env);
