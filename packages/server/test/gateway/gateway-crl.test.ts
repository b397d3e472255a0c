import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { Authority, type Issued } from 'wsproxy-test-support/authority';
import type { TlsOptions } from '../../src/gateway/tls.js';
import { cleanUpWith, closeOf, plain, startGateway, statusOf, upgrade } from './gateway-fixture.js';
import { makeCertificate } from './make-certificate.js';

const own = makeCertificate();

describe.skipIf(own === undefined)('with a revocation list', () => {
  const server = own ?? { cert: '', key: '' };
  const root = new Authority('root');
  const below = new Authority('below', root);
  const [alice, bob] = [root.issue('alice'), root.issue('bob')];
  const noneRevoked = root.list();
  root.revoke(bob);
  const bobRevoked = root.list();
  afterAll(() => {
    root.remove();
    below.remove();
  });

  const start = (tls: Omit<TlsOptions, 'cert' | 'key'>) => startGateway({}, '/tunnel', { tls: { ...server, ...tls } });
  const knock = (port: number, who: Issued, more: object = {}): TLSSocket => {
    const { cert, key } = who;
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, cert, key, ...more });
    socket.on('error', () => {});
    cleanUpWith(() => socket.destroy());
    return socket;
  };

  /** The status that they are answered with, NaN when they are not. */
  async function statusFor(port: number, who: Issued, more: object = {}): Promise<number> {
    const socket = knock(port, who, more);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.write(plain());
    await closeOf(socket);
    return statusOf(answer);
  }

  test.each(['TLSv1.2', 'TLSv1.3'])(
    'a client whose certificate is on it gets no answer, others do, by %s',
    async (max) => {
      const { port, logs, transports } = await start({ clientCa: root.cert, clientCrl: bobRevoked });
      expect(await statusFor(port, alice, { maxVersion: max })).toBe(426);
      expect(await statusFor(port, bob, { maxVersion: max })).toBeNaN();
      await expect
        .poll(() => logs.filter(({ message }) => message === 'a TLS handshake failed'))
        .toMatchObject([{ level: 'info', fields: { code: 'CERT_REVOKED' } }]);
      expect(transports).toEqual([]);
    },
  );

  test('one that is exchanged counts from the next handshake on, also for TLS sessions that are resumed', async () => {
    const { port, gateway } = await start({ clientCa: root.cert, clientCrl: noneRevoked });
    const first = knock(port, bob);
    const ticket = once(first, 'session') as Promise<[Buffer]>;
    first.write(upgrade());
    expect(statusOf(String((await once(first, 'data'))[0]))).toBe(101);
    const [session] = await ticket;
    // The ticket is worth something: it lets in the one who has it.
    const again = knock(port, bob, { session });
    await once(again, 'secureConnect');
    expect(again.isSessionReused()).toBe(true);

    gateway.setTls({ ...server, clientCa: root.cert, clientCrl: bobRevoked });
    expect(await statusFor(port, bob, { session })).toBeNaN();
    expect(await statusFor(port, alice)).toBe(426);
    // Connections keep what they have.
    expect(first.destroyed).toBe(false);
    gateway.setTls({ ...server, clientCa: root.cert });
    expect(await statusFor(port, bob)).toBe(426);
  });

  test('one is needed for each authority on the way, in any order', async () => {
    const carol = below.issue('carol');
    const chain = { ...carol, cert: carol.cert + below.cert };
    const lists = [noneRevoked, below.list()];
    below.revoke(carol);
    const carolRevoked = below.list();
    const statuses: number[] = [];
    for (const texts of [lists, lists.toReversed(), [noneRevoked], [noneRevoked, carolRevoked]]) {
      const { port } = await start({ clientCa: root.cert, clientCrl: texts.join('') });
      statuses.push(await statusFor(port, chain));
    }
    expect(statuses).toEqual([426, 426, Number.NaN, Number.NaN]);
  });

  test('one that is past its next update lets nobody in, and the log says why', async () => {
    const { port, logs } = await start({ clientCa: root.cert, clientCrl: root.list(true) });
    expect(await statusFor(port, alice)).toBeNaN();
    await expect.poll(() => logs.map(({ fields }) => fields)).toMatchObject([{ code: 'CRL_HAS_EXPIRED' }]);
  });

  test('what is none is told, and the one of before stays', async () => {
    const { port, gateway } = await start({ clientCa: root.cert, clientCrl: bobRevoked });
    const cut = bobRevoked.slice(0, 200);
    for (const clientCrl of ['nonsense', '', root.cert, cut]) {
      const set = () => gateway.setTls({ ...server, clientCa: root.cert, clientCrl });
      expect(set, clientCrl).toThrow(/^tls\.clientCrl: .*revocation list/);
    }
    expect(() => gateway.setTls({ ...server, clientCrl: bobRevoked })).toThrow(
      'tls: whether clients need a certificate',
    );
    expect([await statusFor(port, alice), await statusFor(port, bob)]).toEqual([426, Number.NaN]);
  });

  test('an authority that is none is told too, and lets nobody in', async () => {
    const { gateway } = await start({ clientCa: root.cert });
    for (const clientCa of ['', 'nonsense', bobRevoked]) {
      expect(() => gateway.setTls({ ...server, clientCa }), clientCa).toThrow(
        'tls.clientCa: the client CA is not in PEM form',
      );
    }
  });

  test('one without a client CA is a mistake', async () => {
    await expect(start({ clientCrl: bobRevoked })).rejects.toThrow(
      'tls.clientCrl: a revocation list needs the client CA',
    );
  });
});
