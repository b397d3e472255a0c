import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'postject';
import { bundle, type Program } from './bundle.js';
import { builderFor, hostPlatform, licenseOfNode, nodeOf, type Platform } from './node-binary.js';
import { notices } from './notices.js';
import { run } from './run.js';

/**
 * Writes a program as one file that needs no Node, and THIRD-PARTY-NOTICES.txt, into `folder`. An executable for macOS that was
 * not built on a Mac must still be signed on one (`codesign --sign -`).
 */
export async function buildExecutable(program: Program, platform: Platform, folder: string): Promise<Executable> {
  const { code, assets, packages } = await bundle(program);
  mkdirSync(folder, { recursive: true });
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('main.cjs'), code);
  const files = [...assets].map(([name, body], index) => {
    writeFileSync(path(`asset-${index}`), body);
    return [name, `asset-${index}`];
  });
  const settings = {
    // By names alone: where it was built makes no difference.
    main: 'main.cjs',
    output: 'blob',
    assets: Object.fromEntries(files) as object,
    disableExperimentalSEAWarning: true,
    // Users do not know that Node is in it: their NODE_OPTIONS, such as --require, would break it.
    execArgvExtension: 'none',
    // Compiled code is of one processor: only where it is built does it start that much faster.
    useCodeCache: platform === hostPlatform(),
  };
  writeFileSync(path('sea.json'), JSON.stringify(settings));
  run(builderFor(platform), ['--experimental-sea-config', 'sea.json'], { cwd: folder });
  const output = path(platform.startsWith('windows') ? `${program}.exe` : program);
  copyFileSync(nodeOf(platform), output);
  chmodSync(output, 0o755);
  await hold(output, readFileSync(path('blob')), platform);
  // Without a signature, be it of nobody, macOS does not run it.
  if (process.platform === 'darwin') run('codesign', ['--force', '--sign', '-', output]);
  writeFileSync(path('THIRD-PARTY-NOTICES.txt'), notices(licenseOfNode(platform), packages));
  return { program, platform, path: output, notices: path('THIRD-PARTY-NOTICES.txt') };
}

export interface Executable {
  readonly program: Program;
  readonly platform: Platform;
  readonly path: string;
  /** The licences of what it holds. */
  readonly notices: string;
}

/** Puts what Node is to run into its executable (nodejs.org/api/single-executable-applications.html). */
async function hold(executable: string, blob: Buffer, platform: Platform): Promise<void> {
  const { warn } = console;
  // postject warns of a name that no section of these executables has; it is of no use to anybody.
  console.warn = () => {};
  try {
    await inject(executable, 'NODE_SEA_BLOB', blob, {
      sentinelFuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
      ...(platform.startsWith('macos') && { machoSegmentName: 'NODE_SEA' }),
    });
  } finally {
    console.warn = warn;
  }
}
