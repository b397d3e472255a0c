import { isIP, isIPv6 } from 'node:net';
import { formatTarget, type Target, TunnelError } from 'wsproxy-engine';
import { canonicalAddress } from '../targets/address-class.js';
import type { DialTask } from './dial-task.js';
import { createResolver, type Resolver } from './names/resolver.js';
import type { EmbedderPolicy } from './policy.js';
import { abortSignalOf } from './race/giving-up.js';

/** Turns targets into addresses that may be spoken to: resolves once, and checks every address. Rejects with TunnelError. */
export class AllowedAddresses {
  readonly #options: AllowedAddressesOptions;
  readonly #resolver: Resolver;

  constructor(options: AllowedAddressesOptions) {
    this.#options = options;
    this.#resolver = options.resolver ?? createResolver();
  }

  /** In the spelling they were checked in, in the order to try them. */
  async resolve(task: DialTask): Promise<readonly string[]> {
    const { host } = task.target;
    return this.judge(task, isIP(host) === 0 ? await this.lookUp(host, task) : [host]);
  }

  /** Where a name leads to, unchecked. */
  lookUp(name: string, { user, signal }: Pick<DialTask, 'user' | 'signal'>): Promise<readonly string[]> {
    return this.#resolver.resolve(name, abortSignalOf(signal), user.id);
  }

  /**
   * Those of `found`, where the host of the target leads to, that may be spoken to, in the same way: at once, if there is no policy
   * to ask.
   * @throws TunnelError
   */
  judge(
    { target, user, rules, protocol = 'tcp' }: JudgedTask,
    found: readonly string[],
  ): readonly string[] | Promise<readonly string[]> {
    const { policy, prefer } = this.#options;
    const { host, port } = target;
    const name = isIP(host) === 0 ? host : undefined;
    const addresses = found.map((address) => canonicalAddress(address) ?? address);
    const allowed = withoutDenied(target, addresses, (address) => rules?.check(address, port, name, protocol));
    if (policy === undefined) return inOrder(allowed, prefer);
    const asked = allowed.map(async (address) => policy({ user, host, address, port, protocol }));
    return Promise.all(asked).then((answers) => {
      const byPolicy = withoutDenied(target, allowed, (_, i) => (answers[i] === true ? undefined : 'denied:policy'));
      return inOrder(byPolicy, prefer);
    });
  }
}

/** What of a task the judgement depends on. */
export type JudgedTask = Pick<DialTask, 'target' | 'user' | 'rules' | 'protocol'>;

export interface AllowedAddressesOptions {
  /** Default: hosts file and nameservers of the system. */
  readonly resolver?: Resolver;
  /** Is asked about what the rules have allowed. */
  readonly policy?: EmbedderPolicy;
  readonly prefer?: 'ipv4' | 'ipv6';
}

/** The addresses without a rule against them. All denied is DENIED, not "unreachable". */
function withoutDenied(
  target: Target,
  addresses: readonly string[],
  ruleAgainst: (address: string, i: number) => string | undefined,
): readonly string[] {
  const denials: string[] = [];
  const rest = addresses.filter((address, i) => {
    const rule = ruleAgainst(address, i);
    if (rule !== undefined) denials.push(`${address} ${rule}`);
    return rule === undefined;
  });
  if (rest.length === 0) throw new TunnelError('DENIED', `${formatTarget(target)}: ${denials.join(', ')}`);
  return rest;
}

function inOrder(addresses: readonly string[], prefer: 'ipv4' | 'ipv6' | undefined): readonly string[] {
  if (prefer === undefined) return addresses;
  const comesLater = (address: string) => Number(isIPv6(address) !== (prefer === 'ipv6'));
  return [...addresses].sort((a, b) => comesLater(a) - comesLater(b));
}
