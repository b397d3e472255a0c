import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Bundle, Program } from './bundle.js';
import { readManifest } from './notices.js';
import { root } from './run.js';

/**
 * What a program is made of besides our own code, as CycloneDX (cyclonedx.org): each package with its version, its licence and
 * the checksum that the lockfile demands, and the Nodes that executables hold.
 */
export function sbom(
  program: Program,
  { packages }: Bundle,
  nodes: readonly string[],
  version: string,
  date: Date,
): string {
  const lockfile = parse(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')) as Lockfile;
  const components = packages.map((folder) => {
    const { name, version: its, license } = readManifest(folder);
    const { integrity } = lockfile.packages[`${name}@${its}`]?.resolution ?? {};
    if (integrity === undefined) throw new Error(`pnpm-lock.yaml has no ${name}@${its}`);
    const purl = `pkg:npm/${name.replace('@', '%40')}@${its}`;
    const content = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
    const hashes = [{ alg: 'SHA-512', content }];
    return { type: 'library', name, version: its, purl, hashes, licenses: [{ license: { id: license } }] };
  });
  const runtimes = nodes.map((its) => ({
    type: 'platform',
    name: 'node',
    version: its,
    purl: `pkg:generic/node@${its}`,
    licenses: [{ license: { id: 'MIT' } }],
  }));
  const about = {
    timestamp: date.toISOString(),
    component: { type: 'application', name: program, version, licenses: [{ license: { id: 'MIT' } }] },
  };
  const whole = { bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, metadata: about };
  return `${JSON.stringify({ ...whole, components: [...components, ...runtimes] }, undefined, 2)}\n`;
}

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly resolution: { readonly integrity?: string } }>>;
}
