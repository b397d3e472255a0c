/** How a message calls what its reader can set: a program has options, the command line flags. */
export type OptionNames = Readonly<Record<keyof typeof FLAGS, string>>;

export type Reader = 'program' | 'command line';

export function namesFor(reader: Reader): OptionNames {
  return reader === 'program' ? OPTIONS : FLAGS;
}

const FLAGS = {
  ca: '--ca',
  cert: '--cert',
  certAndKey: '--cert and --key',
  host: '--host',
  insecure: '--insecure',
  proxy: '--proxy',
  noProxy: '--proxy none',
  sni: '--sni',
  token: 'WSPROXY_TOKEN or --token-file, or what --token-command prints',
};

const OPTIONS: OptionNames = {
  ca: 'the option ca',
  cert: 'the option cert',
  certAndKey: 'the options cert and key',
  host: 'the option host',
  insecure: 'the option insecure',
  proxy: 'the option proxy',
  noProxy: 'a client without the option proxy',
  sni: 'the option sni',
  token: 'the option token',
};
