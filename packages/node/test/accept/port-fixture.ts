import { afterEach, beforeEach, expect } from 'vitest';
import type { FlowTunnel, Tunnel } from 'wsproxy-engine';
import { FakeFlows } from 'wsproxy-test-support/fake-flows';
import { echo, TestTunnel } from 'wsproxy-test-support/test-tunnel';
import type { LocalPort } from '../../src/accept/accept-local.js';
import { type LocalPortOptions, listenLocal } from '../../src/accept/local-port.js';
import { Application } from './application.js';

/** A local port on a tunnel of its own for every test; checks afterwards that no channel is left. */
export class PortFixture {
  tunnel: TestTunnel = new TestTunnel(echo);
  flows: FakeFlows = new FakeFlows();
  #port: LocalPort | undefined;
  #applications: Application[] = [];

  get port(): number {
    if (this.#port === undefined) throw new Error('not listening');
    return this.#port.address.port;
  }

  get #ways(): Tunnel & FlowTunnel {
    const { tunnel, flows } = this;
    return {
      open: (target, handler) => tunnel.open(target, handler),
      openFlow: (target, handler) => flows.openFlow(target, handler),
    };
  }

  get localPort(): LocalPort {
    if (this.#port === undefined) throw new Error('not listening');
    return this.#port;
  }

  async open(options: Partial<LocalPortOptions> = {}): Promise<void> {
    this.tunnel = new TestTunnel(echo);
    this.flows = new FakeFlows();
    this.#port = await listenLocal(this.#ways, { at: { host: '127.0.0.1', port: 0 }, ...options });
  }

  async close(): Promise<void> {
    for (const application of this.#applications) application.socket.destroy();
    this.#applications = [];
    await this.#port?.close();
    this.#port = undefined;
    await expect.poll(() => this.tunnel.channelCount, { message: 'channels left' }).toBe(0);
    await expect.poll(() => this.flows.living.length, { message: 'flows left' }).toBe(0);
    this.tunnel.close();
  }

  async connect(): Promise<Application> {
    const application = await Application.connect(this.port);
    this.#applications.push(application);
    return application;
  }

  /** Connects and sends, in one go. */
  async send(bytes: Buffer | string | readonly number[]): Promise<Application> {
    return (await this.connect()).send(bytes);
  }
}

/** To be called at the top of a test file. */
export function usePort(options?: Partial<LocalPortOptions>): PortFixture {
  const fixture = new PortFixture();
  beforeEach(() => fixture.open(options));
  afterEach(() => fixture.close());
  return fixture;
}
