import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, createClient } from 'wsproxy-client';
import { Authority, type Issued } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { RecordingWatcher } from './recording-watcher.js';

/** Both ends in this process, and a client that looks into what the rules name. */
export interface InspectedTunnel {
  readonly client: Client;
  /** Where it offers SOCKS and HTTP. */
  readonly port: number;
  readonly watcher: RecordingWatcher;
  /** With `inspect`, where its CA is. */
  readonly folder: string;
  /** The file of its CA, for applications. */
  readonly ca: string;
  /** Of a destination, by a CA that the client trusts. */
  readonly issue: (altName: string) => Issued;
  /** The file of that CA. */
  readonly trueCa: string;
}

export async function startInspectedTunnel(rules: readonly string[], script?: string): Promise<InspectedTunnel> {
  const folder = temporaryFolder();
  const authority = new Authority('of destinations');
  atEnd(() => {
    authority.remove();
    rmSync(folder, { recursive: true });
  });
  const trueCa = join(folder, 'true-ca.pem');
  writeFileSync(trueCa, authority.cert);
  const { port: serverPort } = await startServer();
  const client = createClient({ url: `ws://127.0.0.1:${serverPort}/`, token: TOKEN, ca: authority.cert });
  atEnd(() => client.close());
  const watcher = new RecordingWatcher();
  const scriptFile = join(folder, 'script.mjs');
  if (script !== undefined) writeFileSync(scriptFile, script);
  await client.inspect({
    ...{ rules, folder: join(folder, 'inspect'), watcher },
    ...(script !== undefined && { script: scriptFile }),
  });
  await client.start();
  const { address } = await client.listen({ port: 0 });
  const ca = join(folder, 'inspect/ca.pem');
  let issued = 0;
  const issue = (altName: string): Issued => {
    issued += 1;
    return authority.issue(`leaf-${issued}`, altName);
  };
  return { client, port: address.port, watcher, folder, ca, issue, trueCa };
}
