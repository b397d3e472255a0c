import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config-text.js';
import { addOptions } from '../../src/options/add-options.js';

const program = addOptions(new Command('example'), {
  urls: { flags: '[urls...]', unit: 'word', text: '' },
  tag: { flags: '--tag <text>', unit: 'word', list: true, text: '' },
  level: { flags: '--level <level>', unit: 'choice', choices: ['low', 'high'], text: '' },
  loud: { flags: '--loud', unit: 'switch', default: false, text: '' },
});
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
        const { settings, mistakes } = parseConfig(program, JSON.stringify({ tag: tags }), context);
        expect([settings.get('tag')?.value, mistakes]).toEqual([tags, []]);
      }),
    );
  });

  it('gives a list to an argument that takes several', () => {
    const { settings } = parseConfig(program, 'urls: [wss://a/, wss://b/]', context);
    expect(settings.get('urls')?.value).toEqual(['wss://a/', 'wss://b/']);
  });
});
