// `npm run packages`: builds what is published, into dist/.
//
//   npm run packages                                      all kinds, for every platform
//   npm run packages -- --only executables,npm            these kinds alone
//   npm run packages -- --platform linux-x64              for these platforms alone
//   npm run packages -- --to FOLDER                       into another folder
import { parseArgs } from 'node:util';
import { buildPackages, KINDS, type Kind } from './build-packages.js';
import { isPlatform, PLATFORMS, type Platform } from './node-binary.js';
import { root } from './run.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: KINDS.join(',') },
    platform: { type: 'string', default: PLATFORMS.join(',') },
    to: { type: 'string', default: `${root}dist` },
  },
});
const isKind = (name: string): name is Kind => KINDS.includes(name as Kind);
const kinds = listed('--only', values.only, KINDS).filter(isKind);
const platforms: Platform[] = listed('--platform', values.platform, PLATFORMS).filter(isPlatform);
await buildPackages({ kinds, platforms, folder: values.to, tell: console.log });

function listed(flag: string, text: string, known: readonly string[]): string[] {
  const names = text.split(',');
  for (const name of names) {
    if (known.includes(name)) continue;
    console.error(`${flag} ${name}: expected ${known.join(', ')}`);
    process.exit(2);
  }
  return names;
}
