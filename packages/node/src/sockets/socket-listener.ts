import type { Duplex } from 'node:stream';

/** Has `listener` hear all that becomes of a socket: one object in place of a function for each event, since ten thousand may be idle. */
export function listenTo(socket: Duplex, listener: SocketListener): void {
  (socket as Duplex & ListenedTo)[LISTENER] = listener;
  socket.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
}

export interface SocketListener {
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  onError(): void;
  onClose(): void;
}

const LISTENER = Symbol('listener');

interface ListenedTo {
  [LISTENER]: SocketListener;
}

function onData(this: ListenedTo, bytes: Uint8Array): void {
  this[LISTENER].onBytes(bytes);
}

function onEnd(this: ListenedTo): void {
  this[LISTENER].onEnd();
}

function onError(this: ListenedTo): void {
  this[LISTENER].onError();
}

function onClose(this: ListenedTo): void {
  this[LISTENER].onClose();
}
