import { ExitCode, ExitError } from 'wsproxy-cli';
import type { OptionError } from '../index.js';

/** Where an option of the library comes from, if its flag has another name. */
const FLAGS: Readonly<Record<string, string>> = {
  allow: '--allow',
  deny: '--deny',
  allowPrivate: '--allow-private',
  allowPorts: '--allow-port',
  'egress.upstream': '--upstream',
  'egress.bindAddresses': '--bind-address',
  'egress.nameservers': '--dns',
  decoy: '--decoy',
  trustedProxies: '--trusted-proxy',
  tls: 'TLS',
};

/** What the library does not take is wrong usage. */
export function asUsage<T>(Mistake: typeof OptionError, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const { option, problem } = error;
    throw new ExitError(ExitCode.usage, `${FLAGS[option] ?? option}: ${problem}`, { cause: error });
  }
}
