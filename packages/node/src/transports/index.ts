export { type Exchange, exchangeOf } from './exchange.js';
export type { BodySize } from './http/body-size.js';
export type { Lesson } from './http/client-up.js';
export { authorizationValues } from './http/credential.js';
export { HttpAcceptor } from './http/http-acceptor.js';
export { type HttpOpening, type HttpWay, newPieceSize, openHttp } from './http/open-http.js';
export { Http2Request, wayOf } from './http2-request.js';
export { HTTP2_WINDOW } from './http2-window.js';
export { loadHttp2 } from './load-http2.js';
export {
  NoHttp2Error,
  NotHttpError,
  type OpenTransport,
  RefusedError,
  type ServerConnection,
  type WayToServer,
} from './open-transport.js';
export { SocketBelowHttp2 } from './socket-below-http2.js';
export type { AcceptHandler, Arrival, TransportAcceptor } from './transport-acceptor.js';
export { type MessageWebSocket, MessageWebSockets } from './websocket/message-websockets.js';
export { openWebSocket } from './websocket/open-websocket.js';
export { openWebSocketOverHttp2 } from './websocket/open-websocket-over-http2.js';
export { unmask } from './websocket/unmask.js';
export { takesHttp2 } from './websocket/upgrades.js';
export { WebSocketAcceptor } from './websocket/websocket-acceptor.js';
export { WebSocketTransport } from './websocket/websocket-transport.js';
