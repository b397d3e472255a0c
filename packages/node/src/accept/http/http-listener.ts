import type { CreateService } from '../local-service.js';
import { HttpConnection } from './http-connection.js';

/** CONNECT, and plain requests in absolute form. */
export const serveHttp: CreateService = (port) => ({
  // A method is a token (RFC 9110 section 5.6.2); an empty line may come before it (RFC 9112 section 2.2).
  begins: (first) => /[!#$%&'*+.^_`|~0-9A-Za-z\r\n-]/.test(String.fromCharCode(first)),
  serve: (connection, input) => new HttpConnection(connection, port).serve(input),
});
