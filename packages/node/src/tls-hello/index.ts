export { type ClientHello, ClientHelloReader, HANDSHAKE } from './client-hello.js';
export { TlsError } from './tls-error.js';
