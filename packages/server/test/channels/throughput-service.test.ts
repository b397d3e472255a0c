import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { ThroughputService } from '../../src/channels/throughput-service.js';

function request(bytes: bigint): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(bytes);
  return head;
}

describe('the throughput service', () => {
  test.each([0, 1, 65_536, 200_000])('sends %i bytes when asked for them, and ends', async (bytes) => {
    const service = new ThroughputService();
    service.end(request(BigInt(bytes)));
    expect(await buffer(service)).toHaveLength(bytes);
  });

  test('takes anything that follows the request, and answers after the end of it', async () => {
    const service = new ThroughputService();
    const [first, ...rest] = request(5n);
    service.write(Buffer.of(first ?? 0));
    service.write(Buffer.from(rest));
    service.write(Buffer.alloc(300_000));
    expect(service.read()).toBeNull();
    service.end();
    expect(await buffer(service)).toHaveLength(5);
  });

  test('sends 64 MiB at most', async () => {
    const service = new ThroughputService();
    service.end(request(2n ** 64n - 1n));
    let length = 0;
    for await (const chunk of service) length += chunk.length;
    expect(length).toBe(64 * 1024 * 1024);
  });

  test('fails when the request is cut short', async () => {
    const service = new ThroughputService();
    service.end(Buffer.alloc(7));
    await expect(buffer(service)).rejects.toThrow('ended before it had asked');
  });
});
