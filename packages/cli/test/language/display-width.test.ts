import { describe, expect, it } from 'vitest';
import { displayWidth, padColumns, wrapColumns } from '../../src/language/display-width.js';

describe('columns', () => {
  it('are two for a Chinese character or mark, one for a letter', () => {
    expect(displayWidth('令牌 token，')).toBe(4 + 6 + 2);
  });

  it('are filled up', () => {
    expect(padColumns('心跳', 6)).toBe('心跳  ');
    expect(padColumns('heartbeat', 6)).toBe('heartbeat');
  });
});

describe('wrapping', () => {
  it('breaks English at spaces, as commander does', () => {
    expect(wrapColumns('carry no datagrams (UDP)', 12)).toBe('carry no\ndatagrams\n(UDP)');
  });

  it('breaks Chinese at any character, and leaves words whole', () => {
    expect(wrapColumns('用 --listen 换一个端口', 10)).toBe('用\n--listen\n换一个端口');
  });

  it('begins no line with a mark that ends something', () => {
    expect(wrapColumns('端口被占，请换', 8)).toBe('端口被\n占，请换');
  });

  it('loses nothing', () => {
    const text = '把连到 [bind:]port 的连接送到一个目标；后面加 /udp 则转发数据报 (默认：无)';
    for (let width = 10; width < 80; width++) {
      const lines = wrapColumns(text, width).split('\n');
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
      for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(Math.max(width, 11));
    }
  });

  it('keeps lines and empty lines', () => {
    expect(wrapColumns('a\n\nb c', 1)).toBe('a\n\nb\nc');
  });
});
