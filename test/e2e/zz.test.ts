import { queryObjects } from 'node:v8';
import { Channel, Session } from 'wsproxy-protocol';
import { test } from 'vitest';
import { sha256OfKeystream } from '../support/keystream.js';
import { run } from '../support/program.js';
import { startTunnel } from '../support/tunnel.js';
test('x', async () => {
  const t = (n: string, f: () => unknown) => { const a = performance.now(); const r = f(); console.log(n, r, Math.round(performance.now() - a)); };
  t('q1', () => queryObjects(Session)); t('q2', () => queryObjects(Channel));t('q2', () => queryObjects(Channel));
  const a = performance.now(); await startTunnel(); console.log('tunnel', performance.now() - a);
  const b = performance.now(); await sha256OfKeystream('x', 256*1024*1024); console.log('sha', performance.now() - b);
  const c = performance.now(); await run('curl', ['-sS', 'http://127.0.0.1:1/']); console.log('curl', performance.now() - c);
});
