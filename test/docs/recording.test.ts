import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { drawRecording } from '../../scripts/recording/draw.js';
import type { Run, Snapshot } from '../../scripts/recording/terminal.js';

const plain = (text: string): Run => ({ text, color: undefined, isBold: false });

function draw(snapshots: readonly Snapshot[]): string {
  const panes = [{ title: 'one <terminal>', rows: 2, snapshots }];
  return drawRecording({ columns: 40, description: 'what happens', panes, from: 1_000, to: 7_500 });
}

describe('a recording', () => {
  test('shows a line from its time to the time of the next one, and the last one to the end', () => {
    const svg = draw([
      { at: 500, lines: [[plain('$ first')]] },
      { at: 2_000, lines: [[plain('$ second')]] },
    ]);
    // 6.5 s and 3.5 s in which the last picture stands.
    expect(svg).toContain('@keyframes k0{0%{opacity:1}10%,to{opacity:0}}');
    expect(svg).toContain('@keyframes k1{0%{opacity:0}10%{opacity:1}to{opacity:1}}');
    expect(svg).toMatch(/<text class="k0 p"[^>]*>\$ first</);
    expect(svg).toMatch(/<text class="k1"[^>]*>\$ second</);
  });

  test('does not animate a line that is always there', () => {
    expect(draw([{ at: 500, lines: [[plain('$')]] }])).toMatch(/<text x="\d+" y="\d+">\$</);
  });

  test('leaves out what stands for less than a fifth of a second', () => {
    const lines = ['0 %', '1 %', '2 %'].map((text) => [[plain(text)]]);
    const svg = draw(lines.map((line, index) => ({ at: 1_000 + index * 100, lines: line })));
    expect(svg.match(/\d %(?=<)/g)).toEqual(['0 %', '2 %']);
  });

  test('keeps colours, and escapes text', () => {
    const svg = draw([{ at: 500, lines: [[{ text: '<&"', color: 1, isBold: true }]] }]);
    expect(svg).toContain('<tspan class="c1 b">&lt;&amp;&quot;</tspan>');
    expect(svg).toContain('one &lt;terminal&gt;');
    expect(svg).toContain('<title id="d">what happens</title>');
  });
});

describe('docs/recording.svg', () => {
  const svg = readFileSync(new URL('../../docs/recording.svg', import.meta.url), 'utf8');

  test('is small, has colours for dark, and stands still for those who want no motion', () => {
    expect(svg.length).toBeLessThan(100_000);
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg).toContain('prefers-reduced-motion:reduce');
  });

  test('shows a killed WebSocket, a proxy that goes away, and a right checksum at the end', () => {
    expect(svg).toContain('# kill the WebSocket');
    expect(svg).toContain('ECONNREFUSED');
    expect(svg).toMatch(/<text class="k\d+"[^>]*>image\.iso: OK</);
  });
});
