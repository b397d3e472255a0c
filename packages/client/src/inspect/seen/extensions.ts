/** How the messages of a WebSocket are compressed, by the Sec-WebSocket-Extensions of the answer (RFC 7692 section 7.1). */
export function compressionOf(extensions: string | undefined): Compression | undefined {
  for (const extension of (extensions ?? '').split(',')) {
    const [name, ...parameters] = extension.split(';').map((part) => part.trim().toLowerCase());
    if (name === 'permessage-deflate') {
      return {
        up: { keepsContext: !parameters.includes('client_no_context_takeover') },
        down: { keepsContext: !parameters.includes('server_no_context_takeover') },
      };
    }
  }
  return undefined;
}

/** Of each direction. */
export interface Compression {
  readonly up: { readonly keepsContext: boolean };
  readonly down: { readonly keepsContext: boolean };
}
