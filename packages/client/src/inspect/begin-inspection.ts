import * as tls from 'node:tls';
import { type Logger, systemClock } from 'wsproxy-engine';
import { OptionError } from 'wsproxy-node/options';
import type { InspectOptions } from '../options/inspect-options.js';
import { AuthorityFolder } from './ca/authority-folder.js';
import { Inspection, type InspectionOptions } from './inspection.js';
import { isWide, parseInspectRule } from './rule.js';
import type { Scripting } from './script/begin-script.js';

/**
 * Makes ready to look into connections. `ca`: another CA that destinations may have.
 * @throws TypeError for a rule or a script that cannot be used; Error in one line when the CA or the archive cannot be used
 */
export async function beginInspection(options: InspectOptions, { ca, logger }: Surroundings): Promise<Inspection> {
  const rules = options.rules.map(parseInspectRule);
  const folder = new AuthorityFolder(options.folder);
  const authority = folder.open(rules);
  const script = options.script === undefined ? undefined : await beginOwnScript(options.script, logger);
  let watched: Watched;
  try {
    watched = options.watcher === undefined ? await beginSeeing(options, logger) : { watcher: options.watcher };
  } catch (error) {
    await script?.close();
    throw error;
  }
  logger.info({ rules: options.rules.join(', '), ca: folder.certificatePath }, 'connections are looked into');
  const wide = rules.filter(isWide).map(({ text }) => text);
  if (wide.length > 0)
    logger.warn({ rules: wide.join(', ') }, 'these rules are for hosts of very many owners; name less');
  return new Inspection({ rules, authority, ca: trusted(ca), logger, script, ...watched });
}

interface Surroundings {
  readonly ca: string | undefined;
  readonly logger: Logger;
}

async function beginOwnScript(path: string, logger: Logger): Promise<Scripting> {
  const { beginScript } = await import('./script/begin-script.js');
  try {
    return await beginScript(path, { logger, clock: systemClock });
  } catch (error) {
    throw new OptionError('script', (error as Error).message, { cause: error });
  }
}

/** A program with a watcher of its own does not load it. */
async function beginSeeing({ archive, secrets = false }: InspectOptions, logger: Logger): Promise<Watched> {
  const { Seeing } = await import('./seen/seeing.js');
  const seeing = new Seeing(secrets);
  if (archive !== undefined) await seeing.record(archive, logger);
  return { watcher: seeing.exchanges, seeing };
}

type Watched = Pick<InspectionOptions, 'watcher' | 'seeing'>;

/** By whom destinations are verified: the CAs of Node and of the system, and those that the user gives the client. */
function trusted(own: string | undefined): readonly string[] | undefined {
  // Since Node 22.15; before, Node tells nobody what NODE_EXTRA_CA_CERTS has brought, but uses it where nothing is given.
  const { getCACertificates } = tls as { getCACertificates?: (kind: 'default' | 'system') => string[] };
  const known = getCACertificates && [...getCACertificates('default'), ...getCACertificates('system')];
  if (own === undefined) return known;
  return [...(known ?? tls.rootCertificates), own];
}
