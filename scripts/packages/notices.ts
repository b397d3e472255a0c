import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The licences of all that an executable holds and is not ours: of Node, and of the packages in these folders. Throws where a
 * package has no text of its licence.
 */
export function notices(nodeLicense: string, packages: readonly string[]): string {
  const texts = packages.map((folder) => {
    const { name, version, license } = readManifest(folder);
    return [`${name} ${version} (${license})`, ...licenseTexts(folder, name)].join('\n\n');
  });
  return `${[...texts, `Node.js\n\n${nodeLicense.trim()}`].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

function licenseTexts(folder: string, name: string): string[] {
  const own = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
  // Taken from its repository, where the package of npm has none.
  const ours = fileURLToPath(new URL(`licenses/${name.replace('/', '+')}.txt`, import.meta.url));
  const files = own.length > 0 ? own.map((file) => join(folder, file)) : [ours].filter((file) => existsSync(file));
  const texts = files.map((file) => readFileSync(file, 'utf8').trim()).filter((text) => text !== '');
  if (texts.length === 0)
    throw new Error(`${name} has no text of its licence: put that of its repository into ${ours}`);
  return texts;
}
