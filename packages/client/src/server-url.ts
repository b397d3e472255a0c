import { isLoopback, parseHost } from 'wsproxy-protocol';

/** Throws TypeError with one line that says what is wrong with the address of the server. */
export function parseServerUrl(text: string, insecure: boolean): URL {
  if (!URL.canParse(text)) {
    throw new TypeError(`not a URL: ${JSON.stringify(text)}; expected wss://host[:port]/path`);
  }
  const url = new URL(text);
  if (url.protocol !== 'wss:' && url.protocol !== 'ws:') {
    throw new TypeError(`the URL must begin with wss:// or ws://, not ${url.protocol}//`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('the URL must not carry a user or password: give the token by WSPROXY_TOKEN or --token-file');
  }
  if (url.protocol === 'ws:' && !insecure && !isOnLoopback(url)) {
    throw new TypeError(
      `ws:// to ${url.hostname} would send the token in clear: use wss://, or --insecure if the way is safe by itself`,
    );
  }
  return url;
}

/** Whether nobody but this machine sees the traffic. */
export function isOnLoopback(url: URL): boolean {
  return isLoopback(parseHost(url.hostname) ?? '');
}
