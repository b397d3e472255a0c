import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import type { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';

/** Uses the client that listens on `port` and reaches its server by `relay`; resolves with what has failed. */
export async function useHonestly(
  relay: CuttingRelay,
  port: number,
  { size, cuts, opens }: Use,
): Promise<{ bytes: number; opens: number }> {
  const [bytes, failed] = await Promise.all([lostBytes(relay, port, size, cuts), failedOpens(port, opens)]);
  return { bytes, opens: failed };
}

/** What an honest user asks for: a download of `size` bytes through `cuts` resumes, and `opens` connections, one after the other. */
interface Use {
  readonly size: number;
  readonly cuts: number;
  readonly opens: number;
}

async function lostBytes(relay: CuttingRelay, port: number, size: number, cuts: number): Promise<number> {
  const source = await startSource('honest', size);
  const socket = await bySocks5(port, '127.0.0.1', source.port);
  let [done, passed] = [0, 0];
  const { bytes } = await readToEnd(socket, (chunk) => {
    passed += chunk.length;
    if (done >= cuts || passed < ((done + 1) * size) / (cuts + 1)) return;
    done += 1;
    relay.cut('reset');
  });
  return size - bytes;
}

/** Of so many connections, how many did not bring back what was said. */
async function failedOpens(port: number, count: number): Promise<number> {
  const echo = await startEcho();
  let failed = 0;
  for (let i = 0; i < count; i += 1) {
    const socket = await bySocks5(port, '127.0.0.1', echo.port).catch(() => undefined);
    socket?.end(String(i));
    const { bytes } = (socket && (await readToEnd(socket))) ?? { bytes: 0 };
    if (bytes !== String(i).length) failed += 1;
  }
  return failed;
}
