import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, expectTypeOf, test } from 'vitest';
import * as library from '../src/index.js';
import {
  type Authenticate,
  createServer,
  type Dialer,
  type LIMITS,
  type ServerObserver,
  type ServerOptions,
  type User,
} from '../src/index.js';

test('the library has no more values than one can remember', () => {
  expect(Object.keys(library).sort()).toEqual([
    ...['LIMITS', 'OptionError', 'checkRules', 'createAdmin', 'createHealth', 'createPushes', 'createServer'],
  ]);
});

// These hold when they compile; `npm run check` compiles them.
describe('the types', () => {
  const token = 'a-token-for-tests-0123456789-abcdefghij';
  const server = createServer({ token });

  test('of a server', () => {
    expectTypeOf(server.listen({ port: 0 })).resolves.toEqualTypeOf<AddressInfo>();
    expectTypeOf(server.listen({ path: '/run/wsproxy.sock' })).resolves.toEqualTypeOf<AddressInfo | undefined>();
    expectTypeOf(server.handleUpgrade).parameters.toEqualTypeOf<[IncomingMessage, Duplex, Buffer]>();
    expectTypeOf(server.close).parameter(0).toEqualTypeOf<{ readonly drain?: number } | undefined>();
    expectTypeOf(server.close()).resolves.toEqualTypeOf<number>();
    expectTypeOf(server).toExtend<AsyncDisposable>();
  });

  test('carry what authenticate returns to policy and dialer', () => {
    interface Customer extends User {
      readonly plan: 'free' | 'paid';
    }
    const options: ServerOptions<Customer> = {
      authenticate: async () => ({ id: 'alice', plan: 'free' }),
      policy: ({ user, address, port, host }) => {
        expectTypeOf(user).toEqualTypeOf<Customer>();
        expectTypeOf([address, host]).toEqualTypeOf<string[]>();
        expectTypeOf(port).toEqualTypeOf<number>();
        return user.plan === 'paid';
      },
      dialer: ({ user, signal, resolve, direct }) => {
        expectTypeOf(user).toEqualTypeOf<Customer>();
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        expectTypeOf(resolve).returns.resolves.toEqualTypeOf<readonly string[]>();
        expectTypeOf(direct).returns.resolves.toEqualTypeOf<Duplex>();
        return direct();
      },
    };
    expectTypeOf(createServer<Customer>)
      .parameter(0)
      .toEqualTypeOf<ServerOptions<Customer>>();
    expectTypeOf(createServer(options)).toEqualTypeOf<ReturnType<typeof createServer>>();
    // Inferred where nobody names it.
    createServer({
      authenticate: () => ({ id: 'alice', plan: 'free' }),
      policy: ({ user }) => expectTypeOf(user).toEqualTypeOf<{ id: string; plan: string }>() === undefined,
    });
  });

  test('take what is synchronous, and refuse what is no user', () => {
    expectTypeOf<(request: IncomingMessage) => User | undefined>().toExtend<Authenticate>();
    expectTypeOf<(request: IncomingMessage) => Promise<User | undefined>>().toExtend<Authenticate>();
    expectTypeOf<(request: IncomingMessage) => { name: string }>().not.toExtend<Authenticate>();
    expectTypeOf<(request: { host: string }) => Duplex>().toExtend<Dialer>();
    expectTypeOf<() => Promise<{ socket: Duplex }>>().not.toExtend<Dialer>();
  });

  test('of what is told are closed lists of names', () => {
    expectTypeOf<Parameters<NonNullable<ServerObserver['onSession']>>[0]>().toEqualTypeOf<
      'began' | 'detached' | 'resumed' | 'over'
    >();
    expectTypeOf<library.ChannelRecord['outcome']>().extract<'ok' | 'DENIED'>().toEqualTypeOf<'ok' | 'DENIED'>();
    expectTypeOf<library.LimitName>().toEqualTypeOf<keyof typeof LIMITS>();
  });
});
