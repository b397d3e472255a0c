import { Command, Option } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config-text.js';
import { repeatable } from '../../src/options/repeatable.js';

const program = new Command('example')
  .argument('[urls...]')
  .addOption(repeatable(new Option('--tag <text>'), String))
  .addOption(new Option('--level <level>').choices(['low', 'high']))
  .option('--loud');
const context = { folder: '/etc', home: '/root' };

const yamlLike = fc.stringMatching(/^[-:#&*!|>{}[\],?'"%@ \n\ttaglevelurls0-9]*$/);

describe('parseConfig', () => {
  it('never throws, and tells of every mistake in one line', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), yamlLike), (text) => {
        for (const { line, message } of parseConfig(program, text, context).mistakes) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(line).toBeLessThanOrEqual(text.split('\n').length + 1);
          expect(message).toMatch(/^[^\n]+$/);
        }
      }),
    );
  });

  it('reads any list of texts back as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (tags) => {
        const { options, mistakes } = parseConfig(program, JSON.stringify({ tag: tags }), context);
        expect([options.get('tag'), mistakes]).toEqual([tags, []]);
      }),
    );
  });

  it('gives a list to an argument that takes several', () => {
    const { arguments: values } = parseConfig(program, 'urls: [wss://a/, wss://b/]', context);
    expect(values.get(0)).toEqual(['wss://a/', 'wss://b/']);
  });
});
