import type { EventEmitter } from 'node:events';
import type { Agent } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { describe, expect, expectTypeOf, test } from 'vitest';
import * as surface from 'wsproxy-client';
import {
  type Client,
  type ClientOptions,
  type ClientStatus,
  ConnectError,
  type ConnectorState,
  createClient,
  type FailureCode,
  TunnelError,
} from 'wsproxy-client';
import type { LocalPort } from 'wsproxy-node/accept';

/** More would be hard to keep, and to remember. */
const MOST = 10;

describe('wsproxy-client exports', () => {
  test('few values', () => {
    const values = Object.keys(surface).sort();
    expect(values.length).toBeLessThanOrEqual(MOST);
    expect(values).toEqual([
      'ConnectError',
      'FAILURES',
      'OptionError',
      'TunnelError',
      'checkProxyOptions',
      'createClient',
      'diagnose',
      'parseTarget',
      'proxyFromEnvironment',
      'receivePushes',
    ]);
  });

  test('createClient, which needs a URL and a token', () => {
    expectTypeOf(createClient).parameter(0).toEqualTypeOf<ClientOptions>();
    expectTypeOf(createClient).returns.toEqualTypeOf<Client>();
    expectTypeOf<{ url: string; token: string }>().toExtend<ClientOptions>();
    expectTypeOf<{ url: string }>().not.toExtend<ClientOptions>();
  });

  test('errors with stable codes', () => {
    expectTypeOf<TunnelError['code']>().toEqualTypeOf<FailureCode>();
    expectTypeOf<ConnectError['permanent']>().toEqualTypeOf<boolean>();
    expect(new TunnelError('DENIED')).toBeInstanceOf(Error);
    expect(new ConnectError('no way', true)).toBeInstanceOf(Error);
  });
});

describe('a client', () => {
  test('connects to a name and port, as text or apart', () => {
    expectTypeOf<Client['connect']>()
      .parameter(0)
      .toEqualTypeOf<string | { readonly host: string; readonly port: number }>();
    expectTypeOf<Client['connect']>().returns.resolves.toExtend<Duplex>();
    expectTypeOf<Parameters<Client['connect']>[1]>().toEqualTypeOf<surface.ConnectOptions | undefined>();
  });

  test('gives sockets that stand where a socket of the system is expected', () => {
    expectTypeOf<Client['connect']>().returns.resolves.toExtend<Socket>();
    expectTypeOf<Client['socket']>().returns.toExtend<Socket>();
    expectTypeOf<Client['socket']>().parameters.toEqualTypeOf<[options?: surface.SocketOptions | undefined]>();
  });

  test('gives an agent and a dispatcher', () => {
    expectTypeOf<Client['agent']>().returns.toExtend<Agent>();
    expectTypeOf<Client['dispatcher']>().returns.resolves.toExtend<Dispatcher>();
  });

  test('gives sockets for datagrams, to one peer or to any', () => {
    expectTypeOf<Client['datagrams']>().parameter(0).toEqualTypeOf<string | surface.Target | undefined>();
    expectTypeOf<Client['datagrams']>().returns.toEqualTypeOf<surface.DatagramSocket>();
    expectTypeOf<surface.DatagramSocket>().toExtend<Disposable>();
  });

  test('opens local ports and joins streams', () => {
    expectTypeOf<Client['listen']>().returns.resolves.toEqualTypeOf<LocalPort>();
    expectTypeOf<Client['forward']>().returns.resolves.toEqualTypeOf<LocalPort>();
    expectTypeOf<Client['pipe']>().parameters.toEqualTypeOf<[target: string, input: Readable, output: Writable]>();
  });

  test('listens at the server, as a server of this machine would', () => {
    type Asked = Parameters<Client['listenRemote']>;
    expectTypeOf<Asked[0]>().toEqualTypeOf<surface.RemoteServerOptions>();
    expectTypeOf<{ port: 0; allowHalfOpen: true }>().toExtend<Asked[0]>();
    expectTypeOf<{ host: string }>().not.toExtend<Asked[0]>();
    expectTypeOf<Asked[1]>().toEqualTypeOf<((socket: surface.TunnelSocket) => void) | undefined>();
    expectTypeOf<Client['listenRemote']>().returns.toEqualTypeOf<surface.RemoteServer>();
    expectTypeOf<surface.RemoteServer>().toExtend<EventEmitter & AsyncDisposable>();
    expectTypeOf<ReturnType<surface.RemoteServer['address']>>().toEqualTypeOf<ReturnType<Server['address']>>();
    expectTypeOf<surface.RemoteServerEvents['connection']>().toExtend<[Socket]>();
  });

  test('leads what comes to a port of the server to one target, or where it asks to', () => {
    type Asked = Parameters<Client['forwardRemote']>[0];
    expectTypeOf<{ port: number; target: string }>().toExtend<Asked>();
    expectTypeOf<{ port: number; proxy: true; allow: string[] }>().toExtend<Asked>();
    expectTypeOf<{ port: number }>().not.toExtend<Asked>();
    expectTypeOf<Client['forwardRemote']>().returns.resolves.toEqualTypeOf<surface.RemoteForward>();
  });

  test('tells its state, by asking and by events', () => {
    expectTypeOf<Client['status']>().returns.toEqualTypeOf<ClientStatus>();
    type States = Parameters<Parameters<typeof on<'state'>>[1]>;
    expectTypeOf<States>().toEqualTypeOf<[state: ConnectorState, previous: ConnectorState]>();
  });

  test('can be closed, and disposed of', () => {
    expectTypeOf<Client['close']>().returns.toEqualTypeOf<Promise<void>>();
    expectTypeOf<Client>().toExtend<AsyncDisposable>();
  });
});

/** `client.on`, with its types for one event. */
declare function on<Name extends keyof surface.ClientEvents>(
  name: Name,
  listener: (...args: surface.ClientEvents[Name]) => void,
): void;
