export { HttpAcceptor } from './http/http-acceptor.js';
export { type HttpOpening, type HttpWay, openHttp } from './http/open-http.js';
export { type OpenTransport, RefusedError, type ServerConnection, type WayToServer } from './open-transport.js';
export type { AcceptHandler, Arrival, TransportAcceptor } from './transport-acceptor.js';
export { openWebSocket } from './websocket/open-websocket.js';
export { WebSocketAcceptor } from './websocket/websocket-acceptor.js';
export { WebSocketTransport } from './websocket/websocket-transport.js';
