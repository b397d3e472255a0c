import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Files, fileOf, type PackedFile, textFile, writeArchive } from './archive.js';
import { bundle, PROGRAMS, type Program } from './bundle.js';
import { writeChecksums } from './checksums.js';
import { buildExecutable, type Executable } from './executable.js';
import { packImage } from './image.js';
import { manFile, packForLinux } from './linux-packages.js';
import { hostPlatform, nodeVersion, PLATFORMS, type Platform } from './node-binary.js';
import { PUBLISHED, packForNpm } from './npm-package.js';
import { programTexts } from './program-texts.js';
import { root, run } from './run.js';
import { sbom } from './sbom.js';

/** Builds packages, and tells a line for each. */
export async function buildPackages(wanted: Wanted): Promise<void> {
  mkdirSync(wanted.folder, { recursive: true });
  const version = versionOf();
  const date = sourceDate();
  const done = (file: string): void => {
    const size = (statSync(file).size / 1_000_000).toFixed(1);
    wanted.tell(`${size.padStart(6)} MB  ${basename(file)}`);
  };
  if (wanted.kinds.includes('npm'))
    for (const name of PUBLISHED) done(packForNpm(name, join(wanted.folder, 'build', 'npm', name), wanted.folder));
  if (wanted.kinds.includes('sbom')) {
    for (const program of PROGRAMS) {
      const nodes = [...new Set(PLATFORMS.map(nodeVersion))].sort();
      const file = join(wanted.folder, `${program}-${version}.cdx.json`);
      writeFileSync(file, sbom(program, await bundle(program), nodes, version, date));
      done(file);
    }
  }
  const platforms = wanted.platforms.filter((platform) => KINDS.some((kind) => isPartOf(wanted, kind, platform)));
  const programs = platforms.length > 0 ? PROGRAMS : [];
  const texts = new Map(programs.map((program) => [program, programTexts(program, version, date)]));
  for (const platform of platforms) {
    for (const program of PROGRAMS) {
      const stage = join(wanted.folder, 'build', platform, program);
      const executable = await buildExecutable(program, platform, stage);
      const about = texts.get(program) ?? {};
      if (isPartOf(wanted, 'executables', platform)) {
        const end = platform.startsWith('windows') ? 'zip' : 'tar.gz';
        const file = join(wanted.folder, `${program}-${version}-${platform}.${end}`);
        await writeArchive(file, archived(executable, about), date);
        done(file);
      }
      if (isPartOf(wanted, 'linux', platform)) {
        const linux = { executable, texts: about, version, date, stage: join(stage, 'linux'), folder: wanted.folder };
        for (const file of packForLinux(linux)) done(file);
      }
      if (program === 'wsproxy-server' && isPartOf(wanted, 'image', platform)) {
        const file = join(wanted.folder, `${program}-${version}-${platform}.oci.tar`);
        done(await packImage(executable, date, join(wanted.folder, 'build', 'image', 'root'), file));
      }
    }
    // Nobody can run it here, and it is large.
    if (platform !== hostPlatform()) rmSync(join(wanted.folder, 'build', platform), { recursive: true });
  }
  writeChecksums(wanted.folder);
}

/** Whether a package of this kind is made of the executables of a platform. An image takes libraries of this machine. */
function isPartOf({ kinds }: Wanted, kind: Kind, platform: Platform): boolean {
  if (kind === 'npm' || kind === 'sbom' || !kinds.includes(kind)) return false;
  if (kind === 'executables') return true;
  return platform.startsWith('linux') && (kind === 'linux' || platform === hostPlatform());
}

export type Kind = (typeof KINDS)[number];

export const KINDS = ['npm', 'executables', 'linux', 'image', 'sbom'] as const;

export interface Wanted {
  readonly kinds: readonly Kind[];
  readonly platforms: readonly Platform[];
  /** What was built goes there, and what it is built from into `build` in it. Of that, what is for this machine stays. */
  readonly folder: string;
  readonly tell: (line: string) => void;
}

/** What somebody gets who downloads an executable. */
function archived({ program, path, notices }: Executable, texts: Readonly<Record<string, string>>): Files {
  const { man = '', 'man-zh': chinese = '', ...shells } = texts;
  return new Map([
    [basename(path), fileOf(path, 0o755)],
    ['LICENSE', fileOf(join(root, 'LICENSE'))],
    ['README.md', fileOf(readmeOf(program))],
    ['THIRD-PARTY-NOTICES.txt', fileOf(notices)],
    [manFile(program), textFile(man)],
    [`zh_CN/${manFile(program)}`, textFile(chinese)],
    ...Object.entries(shells).map(([shell, text]): [string, PackedFile] => [
      `completion/${program}.${shell}`,
      textFile(text),
    ]),
  ]);
}

function readmeOf(program: Program): string {
  return join(root, 'packages', program.replace('wsproxy-', ''), 'README.md');
}

function versionOf(): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Of all files in the packages: of the commit, so that who builds it later gets the same (reproducible-builds.org). */
function sourceDate(): Date {
  const seconds = process.env['SOURCE_DATE_EPOCH'] ?? run('git', ['log', '-1', '--format=%ct'], { cwd: root });
  return new Date(Number(seconds) * 1_000);
}
