import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { launch, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { parseAllDocuments } from 'yaml';

const FILE = new URL('../../deploy/kubernetes.yaml', import.meta.url);

/** As much of the manifests as the relations below are about. */
interface Manifests {
  readonly Deployment: {
    spec: {
      selector: { matchLabels: object };
      template: { metadata: { labels: object }; spec: PodSpec };
    };
  };
  readonly Service: {
    metadata: { name: string };
    spec: { selector: object; ports: { name: string; targetPort: string }[] };
  };
  /** The other Service. */
  readonly Metrics: Manifests['Service'];
  readonly NetworkPolicy: {
    spec: {
      podSelector: { matchLabels: object };
      policyTypes: string[];
      ingress: { ports: { port: string }[]; from?: object[] }[];
    };
  };
  readonly Ingress: {
    spec: {
      tls: { hosts: string[] }[];
      rules: {
        host: string;
        http: { paths: { path: string; backend: { service: { name: string; port: { name: string } } } }[] };
      }[];
    };
  };
}

interface PodSpec {
  terminationGracePeriodSeconds: number;
  securityContext: { fsGroup: number };
  containers: [Container];
  volumes: { name: string; secret: { defaultMode: number } }[];
}

interface Container {
  args: string[];
  ports: { name: string; containerPort: number }[];
  livenessProbe: Probe;
  readinessProbe: Probe;
  lifecycle: { preStop: { exec: { command: string[] } } };
  securityContext: { runAsUser: number; runAsGroup: number };
  volumeMounts: { name: string; mountPath: string }[];
}

interface Probe {
  httpGet: { path: string; port: string };
}

function read(): Manifests {
  // Kubernetes reads YAML 1.1, where 0440 is octal.
  const documents = parseAllDocuments(readFileSync(FILE, 'utf8'), { version: '1.1' });
  return Object.fromEntries(
    documents.map((document) => {
      expect([...document.errors, ...document.warnings]).toEqual([]);
      const value = document.toJS();
      return [value.metadata.name.endsWith('-metrics') ? 'Metrics' : value.kind, value];
    }),
  ) as unknown as Manifests;
}

function flag(container: Container, name: string): string {
  const arg = container.args.find((each) => each.startsWith(`--${name}=`));
  return arg?.slice(name.length + 3) ?? '';
}

describe('the manifests for Kubernetes', () => {
  const { Deployment, Service, Metrics, Ingress, NetworkPolicy } = read();
  const pod = Deployment.spec.template.spec;
  const [container] = pod.containers;
  const portOf = (name: string) => container.ports.find((each) => each.name === name)?.containerPort;

  test('give connections the time they were promised', () => {
    const preStop = Number(container.lifecycle.preStop.exec.command.at(-1));
    const drain = Number.parseInt(flag(container, 'drain'), 10);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(preStop + drain);
  });

  test('lead from the host name to the port of the server', () => {
    const [rule] = Ingress.spec.rules;
    const [path] = rule?.http.paths ?? [];
    const [port] = Service.spec.ports;
    expect(Ingress.spec.tls.flatMap(({ hosts }) => hosts)).toEqual([rule?.host]);
    expect(path?.path).toBe(flag(container, 'path'));
    expect(path?.backend.service).toEqual({ name: Service.metadata.name, port: { name: port?.name } });
    expect(Service.spec.selector).toEqual(Deployment.spec.template.metadata.labels);
    expect(Deployment.spec.selector.matchLabels).toEqual(Deployment.spec.template.metadata.labels);
    expect(flag(container, 'listen')).toBe(`0.0.0.0:${portOf(port?.targetPort ?? '')}`);
    expect(flag(container, 'admin')).toBe(`0.0.0.0:${portOf('admin')}`);
    expect(flag(container, 'health')).toBe(`0.0.0.0:${portOf('health')}`);
  });

  test('lead probes to a port that nobody else uses', () => {
    expect([container.livenessProbe, container.readinessProbe].map(({ httpGet }) => httpGet.port)).toEqual([
      ...['health', 'health'],
    ]);
    expect(Service.spec.ports.map(({ targetPort }) => targetPort)).toEqual(['tunnel']);
    expect(NetworkPolicy.spec.ingress.flatMap(({ ports }) => ports)).not.toContainEqual({ port: 'health' });
  });

  test('let Prometheus ask for the admin pages by the name of a Service', () => {
    expect(Metrics.spec.selector).toEqual(Deployment.spec.template.metadata.labels);
    expect(Metrics.spec.ports).toEqual([{ name: 'admin', port: portOf('admin'), targetPort: 'admin' }]);
    expect(flag(container, 'admin-host')).toBe(`${Metrics.metadata.name}.default.svc`);
  });

  test('let everybody come to the tunnel, and only some to the admin pages', () => {
    const { podSelector, policyTypes, ingress } = NetworkPolicy.spec;
    expect(podSelector.matchLabels).toEqual(Deployment.spec.template.metadata.labels);
    expect(policyTypes).toEqual(['Ingress']);
    const from = Object.fromEntries(ingress.flatMap((rule) => rule.ports.map(({ port }) => [port, rule.from])));
    expect(from).toEqual({ tunnel: undefined, admin: [{ namespaceSelector: { matchLabels: expect.anything() } }] });
    expect(Object.keys(from).map(portOf)).not.toContain(undefined);
  });

  test('take every right from the server, and let it read its token', () => {
    expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
    expect(container.securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const [volume] = pod.volumes;
    expect(container.volumeMounts.map(({ name }) => name)).toEqual([volume?.name]);
    expect(flag(container, 'token-file')).toBe(`${container.volumeMounts[0]?.mountPath}/token`);
    // What is given to the group of the program stays closed for others.
    expect(pod.securityContext.fsGroup).toBe(container.securityContext.runAsGroup);
    expect(volume?.secret.defaultMode).toBe(0o440);
    expect(container.volumeMounts[0]).not.toHaveProperty('subPath');
  });

  test('believe the Ingress controller who a client is', () => {
    expect(flag(container, 'trusted-proxy')).toMatch(/^[\d.]+\/\d+$/);
  });

  test('start a server whose probes answer', async () => {
    const token = join(temporaryFolder(), 'token');
    writeFileSync(token, TOKEN);
    chmodSync(token, 0o600);
    const args = container.args.map((arg) =>
      arg.replace(/0\.0\.0\.0:\d+$/, '127.0.0.1:0').replace('/etc/wsproxy/token', token),
    );
    const server = launch('wsproxy-server', args);
    const health = await server.untilStderr(/"health":"([^"]+)"/);
    await server.untilStderr(/"ready"/);
    const probe = async ({ httpGet }: Probe) => {
      const response = await fetch(`http://${health}${httpGet.path}`, { headers: { connection: 'close' } });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await probe(container.livenessProbe)).toBe(200);
    await until('it is ready', async () => (await probe(container.readinessProbe)) === 200);
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
  });
});
