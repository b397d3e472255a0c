import { expect, test } from 'vitest';
import { shellWords } from '../../src/init/shell-words.js';
import { unitText } from '../../src/init/unit-text.js';

const UNIT = '# Install it.\n# Somewhere.\n\n[Service]\n# Why.\nExecStart=/usr/bin/node /opt/x.js\nRestart=no\n';

test('a unit of this machine starts this program, and says nothing of installing it', () => {
  expect(unitText(UNIT, ['/usr/bin/x', '--config', '/a b/"c"/100%/$d'], ' $FLAGS')).toBe(
    '[Service]\n# Why.\nExecStart=/usr/bin/x --config "/a b/\\"c\\"/100%%/$$d" $FLAGS\nRestart=no\n',
  );
});

test('a unit without a program to start is a defect', () => {
  expect(() => unitText('[Service]\n', ['/usr/bin/x'])).toThrow('starts its program in another way');
});

test('words for a shell have quotes where it would read something else', () => {
  expect(shellWords(['curl', '-w', '%{http_code}\\n', "it's", '/a b'])).toBe(
    "curl -w '%{http_code}\\n' 'it'\\''s' '/a b'",
  );
});
