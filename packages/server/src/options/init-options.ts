import type { OptionRule } from 'wsproxy-node/options';

/** What can stand in front of a server, or none: it serves TLS itself. */
export const FRONTS = ['caddy', 'nginx', 'haproxy', 'none'] as const;
export type Front = (typeof FRONTS)[number];

/** Those that the command `init` of the server has, besides those of both programs. */
export const INIT_OPTIONS: Readonly<Record<'hostName' | 'front' | 'user', OptionRule<'host name' | 'user name'>>> = {
  hostName: {
    flags: '--host-name <name>',
    unit: 'host name',
    library: false,
    text: 'the name by which clients reach the server, such as proxy.example.org',
  },
  front: {
    flags: '--front <program>',
    unit: 'choice',
    choices: FRONTS,
    library: false,
    text: 'the reverse proxy in front of the server; none: the server serves TLS itself',
  },
  user: {
    flags: '--user <name>',
    unit: 'user name',
    list: 'flag',
    library: false,
    otherwise: 'one token for everybody',
    text: 'a user, who gets a token',
  },
};
