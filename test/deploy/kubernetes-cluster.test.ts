import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { launch, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { parseAllDocuments } from 'yaml';

const TEXT = readFileSync(new URL('../../deploy/cluster/kubernetes.yaml', import.meta.url), 'utf8');
const SINGLE = readFileSync(new URL('../../deploy/kubernetes.yaml', import.meta.url), 'utf8');

/** As much of the manifests as the relations below are about. */
interface Manifests {
  readonly StatefulSet: {
    metadata: { name: string };
    spec: {
      serviceName: string;
      replicas: number;
      selector: { matchLabels: object };
      template: { metadata: { labels: object }; spec: PodSpec };
    };
  };
  readonly 'wsproxy-nodes': Service;
  readonly 'wsproxy-server': Service;
  readonly PodDisruptionBudget: { spec: { maxUnavailable: number; selector: { matchLabels: object } } };
  readonly NetworkPolicy: { spec: { ingress: { ports: { port: string }[]; from?: { podSelector?: object }[] }[] } };
  readonly Ingress: { metadata: { annotations: Record<string, string> } };
}

interface Service {
  spec: {
    clusterIP?: string;
    publishNotReadyAddresses?: boolean;
    selector: object;
    ports: { name: string; port: number; targetPort: string }[];
  };
}

interface PodSpec {
  terminationGracePeriodSeconds: number;
  containers: [
    {
      args: string[];
      env: { name: string; valueFrom: { fieldRef: { fieldPath: string } } }[];
      ports: { name: string; containerPort: number }[];
      lifecycle: { preStop: { exec: { command: string[] } } };
      volumeMounts: { name: string; mountPath: string }[];
    },
  ];
  volumes: { name: string; secret: { secretName: string; defaultMode: number } }[];
}

function read(text: string): Manifests {
  // Kubernetes reads YAML 1.1, where 0440 is octal.
  const documents = parseAllDocuments(text, { version: '1.1' });
  return Object.fromEntries(
    documents.map((document) => {
      expect([...document.errors, ...document.warnings]).toEqual([]);
      const value = document.toJS();
      return [value.kind === 'Service' ? value.metadata.name : value.kind, value];
    }),
  ) as unknown as Manifests;
}

describe('the manifests of several nodes for Kubernetes', () => {
  const { StatefulSet, PodDisruptionBudget, NetworkPolicy, Ingress, ...services } = read(TEXT);
  const { metadata, spec } = StatefulSet;
  const { labels } = spec.template.metadata;
  const pod = spec.template.spec;
  const [container] = pod.containers;
  const values = (name: string) =>
    container.args.flatMap((arg) => (arg.startsWith(`--${name}=`) ? [arg.slice(name.length + 3)] : []));
  const portOf = (name: string) => container.ports.find((each) => each.name === name)?.containerPort;
  const pods = Array.from({ length: spec.replicas }, (_, n) => `${metadata.name}-${n}`);

  test('have a peer for each pod, by the name that the headless Service gives it, also while it drains', () => {
    const nodes = services['wsproxy-nodes'].spec;
    expect(spec.serviceName).toBe('wsproxy-nodes');
    expect(nodes).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true, selector: labels });
    expect(nodes.ports).toEqual([{ name: 'cluster', port: portOf('cluster'), targetPort: 'cluster' }]);
    expect(values('cluster-listen')).toEqual([`0.0.0.0:${portOf('cluster')}`]);
    expect(values('peer')).toEqual(pods.map((name) => `${name}=${name}.${spec.serviceName}:${portOf('cluster')}`));
    expect(values('node')).toEqual(['$(POD_NAME)']);
    expect(container.env).toEqual([{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]);
  });

  test('give connections the time they were promised, and end one pod at a time', () => {
    const preStop = Number(container.lifecycle.preStop.exec.command.at(-1));
    const [, minutes] = /^(\d+)m$/.exec(values('drain').join()) ?? [];
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(preStop + 60 * Number(minutes));
    expect(PodDisruptionBudget.spec).toEqual({ maxUnavailable: 1, selector: { matchLabels: labels } });
    expect(spec.selector.matchLabels).toEqual(labels);
  });

  test('let nobody but the nodes come to the door for nodes', () => {
    const rule = NetworkPolicy.spec.ingress.find(({ ports }) => ports.some(({ port }) => port === 'cluster'));
    expect(rule).toEqual({ ports: [{ port: 'cluster' }], from: [{ podSelector: { matchLabels: labels } }] });
    expect(services['wsproxy-server'].spec.ports.map(({ targetPort }) => targetPort)).toEqual(['tunnel']);
  });

  test('lead all transports of a session to one pod', () => {
    expect(Object.values(Ingress.metadata.annotations)).toEqual(['$http_wsproxy_session']);
  });

  test('are in all else what those of one server are', () => {
    const single = SINGLE.split('\n').filter((line) => /^ {10,}\S/.test(line) && !/--drain|exec:/.test(line));
    const missing = single.filter((line) => !line.trim().startsWith('#') && !TEXT.includes(line));
    expect(missing).toEqual([]);
  });

  describe('with the certificates that their head says how to make', () => {
    skipUnlessInstalled('openssl');

    test('start nodes', async () => {
      const folder = temporaryFolder();
      const commands = TEXT.match(/^# +openssl .*\\\n# +-subj.*$/gm)?.map((text) => text.replaceAll(/^#/gm, '')) ?? [];
      expect(commands).toHaveLength(2);
      const { code, stderr } = await run('sh', ['-ec', commands.join('\n')], { cwd: folder });
      expect(code, stderr).toBe(0);
      writeFileSync(join(folder, 'token'), TOKEN);
      for (const file of ['token', 'tls.key']) chmodSync(join(folder, file), 0o600);
      const args = container.args.map((arg) =>
        arg
          .replace(/0\.0\.0\.0:\d+$/, '127.0.0.1:0')
          .replace('$(POD_NAME)', pods[1] ?? '')
          .replace(/\/etc\/wsproxy(-cluster)?\//, `${folder}/`),
      );
      const server = launch('wsproxy-server', args);
      await server.untilStderr(/"ready"/);
      expect(server.stderr).toContain(`"${pods[1]}.`);
      server.signal('SIGTERM');
      expect(await server.ended).toMatchObject({ code: 0 });
    });
  });
});
