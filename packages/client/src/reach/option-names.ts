/** How a message calls what its reader can set: a program has options, the command line flags, `init` its flags and a line. */
export type OptionNames = Readonly<Record<keyof typeof FLAGS, string>>;

export type Reader = 'program' | 'command line' | 'init';

export function namesFor(reader: Reader): OptionNames {
  return { program: OPTIONS, 'command line': FLAGS, init: INIT }[reader];
}

const FLAGS = {
  ca: '--ca',
  cert: '--cert',
  certAndKey: '--cert and --key',
  heartbeat: '--heartbeat 5s',
  host: '--host',
  idle: '--idle 5m',
  insecure: '--insecure',
  proxy: '--proxy',
  noProxy: '--proxy none',
  quick: '--quick',
  resolve: '--resolve',
  sni: '--sni',
  throughput: '--throughput 64M',
  transport: '--transport auto',
  token: 'WSPROXY_TOKEN or --token-file, or what --token-command prints',
};

const INIT: OptionNames = {
  ...FLAGS,
  ca: 'wsproxy-client init --ca FILE',
  token: 'the line of wsproxy-server init: it is incomplete or old',
};

const OPTIONS: OptionNames = {
  ca: 'the option ca',
  cert: 'the option cert',
  certAndKey: 'the options cert and key',
  heartbeat: 'the option heartbeat to 5000',
  host: 'the option host',
  idle: 'the option idle',
  insecure: 'the option insecure',
  proxy: 'the option proxy',
  noProxy: 'a client without the option proxy',
  quick: 'the option quick',
  resolve: 'the option resolve',
  sni: 'the option sni',
  throughput: 'the option throughput',
  transport: "the option transport at 'auto'",
  token: 'the option token',
};
