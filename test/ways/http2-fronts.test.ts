import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startCaddy } from 'wsproxy-test-support/programs/caddy';
import { start } from 'wsproxy-test-support/programs/command-line';
import { startHaproxy } from 'wsproxy-test-support/programs/haproxy';
import { isInstalled } from 'wsproxy-test-support/programs/installed';
import { startNginx } from 'wsproxy-test-support/programs/nginx';
import {
  type Place,
  type StartProxy,
  startBehind,
  startUntilListening,
} from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { expectCarried } from './carries.js';

const SIZE = 8 * 1024 * 1024;
const FOUND_WITHIN = 3_000;

const haproxy: StartProxy = (place) =>
  startHaproxy(place, (text) => text.replaceAll('alpn http/1.1', 'alpn h2,http/1.1'));
const nginx: StartProxy = (place) =>
  startNginx(place, (text) =>
    text.replace('user www-data', 'user root').replaceAll(/(listen .*) ssl/g, '$1 ssl http2'),
  );

describe.each<[string, StartProxy]>([
  ['haproxy', haproxy],
  ['envoy', startEnvoy],
])('--transport h2, to %s that speaks HTTP/2', (program, startProxy) => {
  skipUnlessThere(program);

  test('carries', async () => {
    const { url, trusted } = await startBehind(startProxy);
    await expectCarriedBy(url, trusted, 'h2', 'WebSocket over HTTP/2');
  });
});

describe.each<[string, StartProxy]>([
  ['haproxy', haproxy],
  ['caddy', startCaddy],
  ['envoy', startEnvoy],
  ['nginx', nginx],
])('--transport http, to %s that speaks HTTP/2', (program, startProxy) => {
  skipUnlessThere(program);

  test('carries', async () => {
    const { url, trusted } = await startBehind(startProxy);
    await expectCarriedBy(url, trusted, 'http', 'HTTP');
  });
});

async function expectCarriedBy(url: string, env: Record<string, string>, transport: string, way: string) {
  const began = performance.now();
  const client = await start('wsproxy-client', [url, '--transport', transport], { env });
  expect(performance.now() - began).toBeLessThan(FOUND_WITHIN);
  await expectCarried(client.port, SIZE);
  expect(client.program.stderr).toContain(`"way":"${way}"`);
}

function skipUnlessThere(program: string): void {
  if (program !== 'envoy') return skipUnlessInstalled(program);
  test.beforeEach((context) => {
    if (!isInstalled(program)) context.skip('skipped: envoy not installed');
  });
}

/** Envoy as its documents have it for WebSockets over HTTP/2. */
async function startEnvoy({ folder, port, serverPort, certificate }: Place) {
  const file = join(folder, 'envoy.yaml');
  writeFileSync(
    file,
    `static_resources:
  listeners:
    - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context:
                alpn_protocols: [h2, http/1.1]
                tls_certificates:
                  - certificate_chain: { filename: ${certificate.file} }
                    private_key: { filename: ${join(folder, 'key')} }
          filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: https
                upgrade_configs: [{ upgrade_type: websocket }]
                http2_protocol_options: { allow_connect: true }
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                route_config:
                  virtual_hosts:
                    - name: wsproxy
                      domains: ["*"]
                      routes:
                        - match: { prefix: / }
                          route: { cluster: wsproxy, timeout: 0s }
  clusters:
    - name: wsproxy
      load_assignment:
        cluster_name: wsproxy
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${serverPort} } } }
`,
  );
  await startUntilListening('envoy', ['-c', file, '--use-dynamic-base-id', '--concurrency', '1'], port);
  return { reload: () => {} };
}
