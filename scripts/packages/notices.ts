import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licences of all that an executable holds and is not ours: of Node, and of the packages in these folders. */
export function notices(nodeLicense: string, packages: readonly string[]): string {
  const texts = packages.map((folder) => {
    const { name, version, license } = readManifest(folder);
    const text = licenseFiles(folder).map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...text].join('\n\n');
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

function licenseFiles(folder: string): string[] {
  return readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
}
