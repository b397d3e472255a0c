/** Why the server could not be reached, and what to do about it. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** Trying again changes nothing: the address, the token or the server has to change first. */
  readonly permanent: boolean;

  constructor(message: string, permanent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.permanent = permanent;
  }
}

/** What an answer other than 101 means. `location` is the target of a redirect, which is never followed. */
export function describeStatus(status: number, location: string | undefined): ConnectError {
  if (status === 401) {
    return new ConnectError('the server refused the token (401): check WSPROXY_TOKEN or --token-file', true);
  }
  if (status === 404) {
    return new ConnectError("nothing there (404): check the URL's path against the server's --path", true);
  }
  if (status >= 300 && status < 400) {
    const where = location === undefined ? '' : ` to ${JSON.stringify(location)}`;
    return new ConnectError(`redirected${where} (${status}), not a wsproxy-server: check the URL`, true);
  }
  if (status >= 500 || status === 429 || status === 408) {
    return new ConnectError(`the server, or a proxy before it, is not available (${status})`, false);
  }
  if (status === 400) {
    return new ConnectError('the server refused the upgrade (400): its version may differ from this one', true);
  }
  return new ConnectError(
    `the answer is not a WebSocket's (${status}): a login page, or a reverse proxy without Upgrade headers?`,
    true,
  );
}

const TLS_CAUSES: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it on the server',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clock of this machine',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed: name its CA in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an unknown CA: name the CA in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an unknown CA: name the CA in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an unknown CA: name the CA in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'it does not send its whole certificate chain, or comes from an unknown CA: complete the chain on the server, or ' +
    'name the CA in NODE_EXTRA_CA_CERTS',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name: check the host in the URL',
  EPROTO:
    'it does not speak TLS there, or no version known here: check the port, or whether the URL should begin with ws://',
};

/** What a failure below HTTP means. */
export function describeFailure(error: NodeJS.ErrnoException): ConnectError {
  const code = error.code ?? '';
  const tlsCause =
    TLS_CAUSES[code] ?? (code.includes('CERT') ? `its certificate is not accepted (${code})` : undefined);
  if (tlsCause !== undefined) return new ConnectError(`the server is not trusted: ${tlsCause}`, true, { cause: error });
  if (code.startsWith('HPE_')) {
    return new ConnectError(
      'the answer is not HTTP: check the port, or whether the URL should begin with wss://',
      true,
      {
        cause: error,
      },
    );
  }
  // ws reports an answer that breaks RFC 6455 without a code.
  if (code === '' && /Sec-WebSocket|subprotocol|Upgrade header/.test(error.message)) {
    return new ConnectError(`not a wsproxy-server: ${error.message}`, true, { cause: error });
  }
  return new ConnectError(error.message || code || 'connection failed', false, { cause: error });
}
