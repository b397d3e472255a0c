import { describe, expect, test } from 'vitest';
import { startNginxFiles } from 'wsproxy-test-support/destinations/nginx-files';
import { startFarEnd, startListening } from 'wsproxy-test-support/programs/listening';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';

describe('nginx behind -R', () => {
  for (const program of ['nginx', 'curl']) skipUnlessInstalled(program);

  test('logs who has come to the server, and where, by PROXY v2: of one -R, and of all of a client', async () => {
    const [{ url }, nginx] = await Promise.all([startFarEnd(), startNginxFiles('proxy_protocol')]);
    const [one, all] = [await freePort(), await freePort()];
    const target = `127.0.0.1:${nginx.port}`;
    await Promise.all([
      startListening(url, [`${one}:${target}/proxy-v2`]),
      startListening(url, [`${all}:${target}`], { args: ['--proxy-protocol', 'v2'] }),
    ]);
    const logged: string[] = [];
    for (const port of [one, all]) {
      for (const from of ['127.0.0.1', '127.0.0.5']) {
        const about = ['-o', '/dev/null', '-w', '%{http_code} %{local_ip} %{local_port}', '--interface', from];
        const { stdout } = await run('curl', ['-sS', ...about, `http://127.0.0.1:${port}/nothing`]);
        const [status, ...peer] = stdout.split(' ');
        expect([status, peer[0]]).toEqual(['404', from]);
        logged.push([...peer, '127.0.0.1', port].join(' '));
      }
    }
    await until('all of them are logged', () => nginx.log().length === logged.length);
    expect(nginx.log()).toEqual(logged);
  });
});
