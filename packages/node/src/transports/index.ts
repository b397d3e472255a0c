export { WEBSOCKET_LIMITS, WebSocketTransport } from './websocket/websocket-transport.js';
