import { parseHost, type Target } from 'wsproxy-engine';
import { hideWispToken } from './hide-wisp-token.js';

/** Throws TypeError with one line that says what is wrong with the address of the server. */
export function parseServerUrl(text: string): URL {
  if (!URL.canParse(text)) {
    throw new TypeError(`not a URL: ${JSON.stringify(hideWispToken(text))}; expected wss://host[:port]/path`);
  }
  const url = new URL(text);
  if (url.protocol !== 'wss:' && url.protocol !== 'ws:') {
    throw new TypeError(`the URL must begin with wss:// or ws://, not ${url.protocol}//`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(
      'the URL must not carry a user or password: the token has its own place (WSPROXY_TOKEN, --token-file, or the option token)',
    );
  }
  if (url.hash !== '') {
    throw new TypeError(
      'the URL must have nothing behind #: that is a line of wsproxy-server init, which wsproxy-client init reads',
    );
  }
  return url;
}

/** Host and port that the URL of a server names. */
export function targetOf(url: URL): Target {
  const port = url.port === '' ? (url.protocol === 'wss:' ? 443 : 80) : Number(url.port);
  return { host: parseHost(url.hostname) ?? url.hostname, port };
}
