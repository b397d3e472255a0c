export { type ListenOptions, Server, type ServerOptions } from './server.js';
