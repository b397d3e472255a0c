import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as tar from 'tar';
import { root, run } from './run.js';

/** The Node that the executables of a platform hold. */
export function nodeOf(platform: Platform): string {
  return join(nodePackage(platform, nodeVersion(platform)), NODES[platform].file);
}

/** A Node that runs here, of the version that the executables of a platform hold: it alone knows what they read. */
export function builderFor(platform: Platform): string {
  const host = hostPlatform();
  return join(nodePackage(host, nodeVersion(platform)), NODES[host].file);
}

/** Its licence, with those of all that is in it. Not all the packages have it. */
export function licenseOfNode(platform: Platform): string {
  return readFileSync(join(nodePackage('linux-x64', nodeVersion(platform)), 'LICENSE'), 'utf8');
}

/** The platform of this machine. */
export function hostPlatform(): Platform {
  const system = { darwin: 'macos', win32: 'windows' }[process.platform as string] ?? process.platform;
  const name = `${system}-${process.arch}`;
  if (!isPlatform(name))
    throw new Error(`no package can be built on ${name}; on these it can: ${PLATFORMS.join(', ')}`);
  return name;
}

export function isPlatform(name: string): name is Platform {
  return Object.hasOwn(NODES, name);
}

export function nodeVersion(platform: Platform): string {
  return NODES[platform].version;
}

/** The folder of a package of npm, fetched once, and taken only if its bytes are those that node-binaries.json tells. */
function nodePackage(platform: Platform, version: string): string {
  const { package: name, file, integrity } = NODES[platform];
  const folder = join(root, 'node_modules', '.cache', 'wsproxy-packages', `${name}-${version}`);
  if (existsSync(folder)) return join(folder, 'package');
  const expected = integrity[version];
  if (expected === undefined) throw new Error(`node-binaries.json has no Node ${version} for ${platform}`);
  mkdirSync(join(folder, '..'), { recursive: true });
  // Under its name only when it is whole.
  const temporary = mkdtempSync(`${folder}-`);
  try {
    run('npm', ['pack', '--silent', `${name}@${version}`, '--pack-destination', temporary]);
    const tarball = join(temporary, readdirSync(temporary).join());
    const digest = createHash('sha512').update(readFileSync(tarball)).digest('base64');
    if (`sha512-${digest}` !== expected) throw new Error(`${name}@${version}: sha512-${digest}, expected ${expected}`);
    tar.extract({ file: tarball, cwd: temporary, sync: true }, [`package/${file}`, 'package/LICENSE']);
    rmSync(tarball);
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true });
    // Another build was faster.
    if (!existsSync(folder)) throw error;
  }
  return join(folder, 'package');
}

export type Platform = 'linux-x64' | 'linux-arm64' | 'macos-x64' | 'macos-arm64' | 'windows-x64';

interface NodePackage {
  readonly package: string;
  /** The program in it. */
  readonly file: string;
  /** Which one executables hold. */
  readonly version: string;
  /** By version: also of those that only build executables for other platforms. */
  readonly integrity: Readonly<Record<string, string>>;
}

const NODES = JSON.parse(readFileSync(new URL('node-binaries.json', import.meta.url), 'utf8')) as Readonly<
  Record<Platform, NodePackage>
>;

export const PLATFORMS = Object.keys(NODES) as readonly Platform[];
