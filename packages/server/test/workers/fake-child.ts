import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { Introduction, ToParent, ToWorker } from '../../src/workers/messages.js';

export const INTRODUCTION: Introduction = {
  route: 'here.0123456789ab',
  version: '1.2.3',
  users: 1,
  tls: false,
  udp: true,
  settings: {},
};

/** A process that does what a test says. */
export class FakeChild extends EventEmitter {
  readonly pid: number;
  readonly stderr = new PassThrough();
  readonly sent: ToWorker[] = [];
  readonly handles: unknown[] = [];
  connected = true;
  killed = false;

  constructor(pid: number) {
    super();
    this.pid = pid;
  }

  get asChild(): ChildProcess {
    return this as unknown as ChildProcess;
  }

  send(message: ToWorker, handle?: unknown): boolean {
    this.sent.push(message);
    if (handle !== undefined) this.handles.push(handle);
    return true;
  }

  kill(): boolean {
    this.killed = true;
    this.end(null, 'SIGKILL');
    return true;
  }

  says(message: ToParent): void {
    this.emit('message', message);
  }

  isReady(): void {
    this.says({ kind: 'ready', about: INTRODUCTION });
  }

  end(code: number | null, signal: NodeJS.Signals | null = null): void {
    if (!this.connected) return;
    this.connected = false;
    this.emit('close', code, signal);
  }

  /** The kinds of what it was sent. */
  get kinds(): string[] {
    return this.sent.map(({ kind }) => kind);
  }
}
