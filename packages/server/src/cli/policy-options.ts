import type { Command } from 'commander';
import type { DestinationRules } from '../index.js';
import { repeatable } from './repeatable.js';

/** Which destinations may be dialled. */
export interface PolicyOptions {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly allowPrivate?: boolean;
  readonly allowPort: readonly string[];
}

export function addPolicyOptions(program: Command): void {
  program
    .addOption(
      repeatable(
        '--allow <rule>',
        'open destinations that are denied by default: 10.1.0.0/16:5432, example.org:25; repeatable (docs/policy.md)',
      ),
    )
    .addOption(
      repeatable(
        '--deny <rule>',
        "close destinations, whatever is allowed: 203.0.113.7, '*.example.org'; '*' closes all that --allow does not name; repeatable",
      ),
    )
    .option('--allow-private', 'allow destinations on loopback, private and link-local addresses')
    .addOption(repeatable('--allow-port <ports>', 'open ports that are denied by default, which is 25; repeatable'));
}

export function rulesOf({ allow, deny, allowPrivate = false, allowPort }: PolicyOptions): DestinationRules {
  return { allow, deny, allowPrivate, allowPorts: allowPort };
}
