import { type Command, Option } from 'commander';
import type { EgressOptions } from '../index.js';
import { repeatable } from './repeatable.js';

/** By which way destinations are reached. */
export interface EgressFlags {
  readonly upstream?: string;
  readonly bindAddress: readonly string[];
  readonly prefer?: 'ipv4' | 'ipv6';
  readonly dns: readonly string[];
}

export function addEgressOptions(program: Command): void {
  program
    .option(
      '--upstream <url>',
      'reach every destination through a proxy: socks5://user:password@host:port or http://...; a password is safer in a --config file',
    )
    .addOption(repeatable('--bind-address <address>', 'dial from this address; once for IPv4, once for IPv6'))
    .addOption(
      new Option('--prefer <family>', 'dial this family first (default: as names are answered)').choices([
        'ipv4',
        'ipv6',
      ]),
    )
    .addOption(
      repeatable(
        '--dns <server>',
        'ask this nameserver, an address with or without a port, in place of the system; repeatable',
      ),
    );
}

export function egressOf({ upstream, bindAddress, prefer, dns }: EgressFlags): EgressOptions {
  return {
    bindAddresses: bindAddress,
    nameservers: dns,
    ...(upstream !== undefined && { upstream }),
    ...(prefer !== undefined && { prefer }),
  };
}
