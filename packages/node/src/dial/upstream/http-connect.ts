import type { Socket } from 'node:net';
import { formatTarget, type Target } from 'wsproxy-engine';
import { formatHead } from '../../http-message/fields.js';
import { MessageError } from '../../http-message/message-error.js';
import { isInterim, type ResponseHead, ResponseHeadReader } from '../../http-message/response-head.js';
import { explainRefusal } from './http-refused.js';
import { formatProxy, type ProxyCredentials, type UpstreamProxy } from './proxy.js';
import { ProxyError } from './proxy-error.js';

/** Resolves when `socket`, which is connected to `proxy`, leads to `target`, and is paused. Rejects with ProxyError. */
export function requestTunnel(socket: Socket, proxy: UpstreamProxy, target: Target): Promise<void> {
  const name = `the proxy ${formatProxy(proxy)}`;
  return new Promise((resolve, reject) => {
    const answers = new ResponseHeadReader('CONNECT');
    const settle = (error?: ProxyError): void => {
      socket.pause();
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', fail);
      if (error === undefined) resolve();
      else reject(error);
    };
    const fail = (cause?: Error): void => {
      const isHttp = !(cause instanceof MessageError) && !answers.hasBegun;
      const why = cause instanceof MessageError ? cause.message : 'its answer has no end';
      const what = isHttp ? `${name} hung up instead of answering` : `${name} does not speak HTTP: ${why}`;
      settle(new ProxyError('PROXY_BROKEN', what, { cause }));
    };
    const onEnd = (): void => fail();
    const onData = (chunk: Buffer): void => {
      let head: ResponseHead | undefined;
      try {
        head = answers.read(chunk);
        while (head !== undefined && isInterim(head)) head = answers.read();
      } catch (error) {
        return fail(error as Error);
      }
      if (head === undefined) return;
      // RFC 9110 section 9.3.6: any 2xx opens the tunnel, and says nothing of content.
      if (head.status < 200 || head.status > 299) return settle(explainRefusal(head, proxy, target));
      socket.pause();
      const rest = answers.takeRest();
      if (rest.length > 0) socket.unshift(rest);
      settle();
    };
    socket.on('data', onData).once('end', onEnd).once('close', onEnd).once('error', fail);
    socket.write(formatConnect(proxy.credentials, target));
  });
}

function formatConnect(credentials: ProxyCredentials | undefined, target: Target): Buffer {
  const authority = formatTarget(target);
  const fields = [{ name: 'Host', value: authority }];
  const login = credentials && basic(credentials);
  if (login !== undefined) fields.push({ name: 'Proxy-Authorization', value: login });
  return formatHead(`CONNECT ${authority} HTTP/1.1`, fields);
}

/** RFC 7617. */
export function basic({ user, password }: ProxyCredentials): string {
  return `Basic ${Buffer.concat([user, Buffer.from(':'), password]).toString('base64')}`;
}
