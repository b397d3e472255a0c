import * as tls from 'node:tls';
import { parseDestinationRule } from 'wsproxy-node/targets';
import type { InspectOptions } from '../options/inspect-options.js';
import { AuthorityFolder } from './ca/authority-folder.js';
import { Inspection } from './inspection.js';

/**
 * Makes ready to look into connections.
 * @throws TypeError for a rule that cannot be used; Error in one line when the CA cannot be used
 */
export function beginInspection({ rules: texts, folder, watcher }: InspectOptions, ca: string | undefined): Inspection {
  const rules = texts.map(parseDestinationRule);
  const authority = new AuthorityFolder(folder).open(rules);
  return new Inspection({ rules, authority, watcher, ca: trusted(ca) });
}

/** By whom destinations are verified: the CAs of Node and of the system, and those that the user gives the client. */
function trusted(own: string | undefined): readonly string[] | undefined {
  // Since Node 22.15; before, Node tells nobody what NODE_EXTRA_CA_CERTS has brought, but uses it where nothing is given.
  const { getCACertificates } = tls as { getCACertificates?: (kind: 'default' | 'system') => string[] };
  const known = getCACertificates && [...getCACertificates('default'), ...getCACertificates('system')];
  if (own === undefined) return known;
  return [...(known ?? tls.rootCertificates), own];
}
