import * as tls from 'node:tls';
import type { Logger } from 'wsproxy-engine';
import type { InspectOptions } from '../options/inspect-options.js';
import { AuthorityFolder } from './ca/authority-folder.js';
import { Inspection } from './inspection.js';
import { parseInspectRule } from './rule.js';
import type { Seeing } from './seen/seeing.js';

/**
 * Makes ready to look into connections. `ca`: another CA that destinations may have.
 * @throws TypeError for a rule that cannot be used; Error in one line when the CA or the archive cannot be used
 */
export async function beginInspection(options: InspectOptions, { ca, logger }: Surroundings): Promise<Inspection> {
  const rules = options.rules.map(parseInspectRule);
  const folder = new AuthorityFolder(options.folder);
  const authority = folder.open(rules);
  logger.info({ rules: options.rules.join(', '), ca: folder.certificatePath }, 'connections are looked into');
  const task = { rules, authority, ca: trusted(ca), logger };
  if (options.watcher !== undefined) return new Inspection({ ...task, watcher: options.watcher });
  const seeing = await beginSeeing(options, logger);
  return new Inspection({ ...task, watcher: seeing.exchanges, seeing });
}

interface Surroundings {
  readonly ca: string | undefined;
  readonly logger: Logger;
}

/** A program with a watcher of its own does not load it. */
async function beginSeeing({ archive, secrets = false }: InspectOptions, logger: Logger): Promise<Seeing> {
  const { Seeing } = await import('./seen/seeing.js');
  const seeing = new Seeing(secrets);
  if (archive !== undefined) await seeing.record(archive, logger);
  return seeing;
}

/** By whom destinations are verified: the CAs of Node and of the system, and those that the user gives the client. */
function trusted(own: string | undefined): readonly string[] | undefined {
  // Since Node 22.15; before, Node tells nobody what NODE_EXTRA_CA_CERTS has brought, but uses it where nothing is given.
  const { getCACertificates } = tls as { getCACertificates?: (kind: 'default' | 'system') => string[] };
  const known = getCACertificates && [...getCACertificates('default'), ...getCACertificates('system')];
  if (own === undefined) return known;
  return [...(known ?? tls.rootCertificates), own];
}
