import { describe, expect, test } from 'vitest';
import { LONG_TEXT, startDnsmasq } from 'wsproxy-test-support/destinations/dnsmasq';
import { startFarEnd, startListening } from 'wsproxy-test-support/programs/listening';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freeDatagramPort } from 'wsproxy-test-support/sockets/datagram-socket';
import { freePort } from 'wsproxy-test-support/sockets/listen';

describe('a nameserver behind -R, by UDP and by TCP', () => {
  for (const program of ['dnsmasq', 'dig']) skipUnlessInstalled(program);

  test('is asked by dig at the server, and as before when the WebSocket was lost', async () => {
    const [{ url, relay }, nameserver] = await Promise.all([startFarEnd(), startDnsmasq()]);
    const [udp, tcp] = [await freeDatagramPort(), await freePort()];
    await startListening(url, [`${udp}:127.0.0.1:${nameserver}/udp`, `${tcp}:127.0.0.1:${nameserver}`]);
    const ask = (port: number, ...words: string[]) =>
      run('dig', ['@127.0.0.1', '-p', String(port), '+short', '+ignore', '+bufsize=4096', 'known.test', ...words]);
    const address = { code: 0, stdout: '192.0.2.7\n' };
    const text = { code: 0, stdout: `${LONG_TEXT.map((each) => `"${each}"`).join(' ')}\n` };
    for (const cut of ['reset', 'end'] as const) {
      expect(await ask(udp)).toMatchObject(address);
      expect(await ask(udp, 'TXT')).toMatchObject(text);
      expect(await ask(tcp, '+tcp', 'TXT')).toMatchObject(text);
      relay.cut(cut);
    }
    expect(await ask(udp)).toMatchObject(address);
    expect(await ask(tcp, '+tcp')).toMatchObject(address);
  });
});
