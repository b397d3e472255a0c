import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { har } from 'har-validator';
import { createClient } from 'wsproxy-client';
import type { ServerOptions } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { startServer } from 'wsproxy-test-support/tunnel';
import type { RecordingProxy } from './archive.js';

/** Both ends in this process, and an archive of what passes to `localhost`. */
export async function startRecordedTunnel({ trueCa, folder, server = {} }: RecordedTask): Promise<RecordedTunnel> {
  const { port: serverPort } = await startServer(server);
  const client = createClient({ url: `ws://127.0.0.1:${serverPort}/`, token: TOKEN, ca: trueCa });
  atEnd(() => client.close());
  const archive = join(folder, 'seen.har');
  await client.inspect({ rules: ['localhost'], folder, archive, secrets: true });
  await client.start();
  const { address } = await client.listen({ port: 0 });
  const status = await client.serveStatus({ port: 0 });
  const seen = async () => {
    await client.close();
    const file = JSON.parse(readFileSync(archive, 'utf8'));
    await har(file);
    return file.log.entries;
  };
  return { port: address.port, ca: join(folder, 'ca.pem'), page: `http://127.0.0.1:${status.address.port}`, seen };
}

interface RecordedTunnel extends RecordingProxy {
  /** The URL of the status page. */
  readonly page: string;
}

interface RecordedTask {
  /** Of destinations, PEM. */
  readonly trueCa: string;
  /** Where the client keeps its CA. */
  readonly folder: string;
  readonly server?: Partial<ServerOptions>;
}
