import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { addressOf, NAMES } from './nodes.js';

/** What a node has on its command line so that it and the others know each other; they listen for that on `port`. */
export function createPeering(port: number): (name: string) => readonly string[] {
  const authority = new Authority('the cluster of this test');
  atEnd(() => authority.remove());
  const folder = temporaryFolder();
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const ca = file('ca', authority.cert);
  return (name) => {
    const { cert, key } = authority.issue(name, `IP:${addressOf(name)}`);
    const proof = ['--cluster-cert', file(`${name}.cert`, cert), '--cluster-key', file(`${name}.key`, key)];
    const peers = NAMES.flatMap((other) => (other === name ? [] : ['--peer', `${other}=${addressOf(other)}:${port}`]));
    return ['--node', name, '--cluster-listen', `${addressOf(name)}:${port}`, '--cluster-ca', ca, ...proof, ...peers];
  };
}
