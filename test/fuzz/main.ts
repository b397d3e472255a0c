// npm run fuzz -- [--seconds 60] [--only frames,socks] [--seed N]
// What breaks a parser is put into its corpus, where the tests find it from then on.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { corpusFolder, fuzz, targets } from './fuzz.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    only: { type: 'string' },
    seed: { type: 'string' },
  },
});
const wanted = values.only?.split(',');
const chosen = targets.filter(({ name }) => wanted?.includes(name) ?? true);
const time = (Number(values.seconds) * 1000) / chosen.length;
let failed = 0;
for (const target of chosen) {
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  const findings = fuzz(target, { runs: 1_000_000_000, time, ...(seed !== undefined && { seed }) });
  console.log(`${target.name.padEnd(12)} ${findings.runs} inputs, seed ${findings.seed}`);
  if (findings.found === undefined) continue;
  failed += 1;
  const { input, error } = findings.found;
  const file = join(corpusFolder(target.name), `found-${createHash('sha256').update(input).digest('hex').slice(0, 8)}`);
  writeFileSync(file, input);
  console.log(`  ${error}\n  by ${JSON.stringify(input.toString('latin1'))}, now in ${file}`);
}
console.log(`\n${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
