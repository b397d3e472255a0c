import { X509Certificate } from 'node:crypto';
import { type DetailedPeerCertificate, rootCertificates, type TLSSocket } from 'node:tls';
import { ConnectError } from 'wsproxy-engine/connector';
import type { ServerAddress } from '../reach/connect-transport.js';
import { describeFailure } from '../reach/describe-failure.js';
import { checkPins, openRaw, secure } from '../reach/open-socket.js';
import { type Finding, failed, ok, skip, warn } from './finding.js';

/** Whether TLS is what it should be: the chain, its end, and whether somebody on the way opens it. */
export async function checkTls(server: ServerAddress, signal: AbortSignal, timeout: number): Promise<Finding> {
  if (server.url.protocol !== 'wss:') return skip('ws:// has no TLS: everybody on the way can read the token');
  try {
    const socket = await openTls(server, signal, timeout);
    try {
      return assess(socket, server);
    } finally {
      socket.destroy();
    }
  } catch (error) {
    return failed(error instanceof ConnectError ? error : describeFailure(error as Error, server.reach));
  }
}

/** Whether a certificate deserves a word. Some live a few days or hours, and programs renew them when a third is left. */
export function endsSoon(from: Date, to: Date, now: number): boolean {
  return to.getTime() - now < Math.min(14 * DAY, (to.getTime() - from.getTime()) / 5);
}

const DAY = 86_400_000;

/** Without judging the certificate, so that a wrong one can be looked at; nothing is said to the server. */
async function openTls(server: ServerAddress, signal: AbortSignal, timeout: number): Promise<TLSSocket> {
  const { url, reach } = server;
  const ending = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  return secure(await openRaw(url, reach, ending, timeout), url, reach, ending, { verify: false });
}

function assess(socket: TLSSocket, { reach }: ServerAddress): Finding {
  const certificate = socket.getPeerCertificate(true);
  const protocol = socket.getProtocol() ?? 'TLS';
  const issuer = nameOf(certificate.issuer);
  const validTo = new Date(certificate.valid_to);
  const figures = { protocol, issuer, validTo: validTo.toISOString() };
  if (!socket.authorized) {
    // Its type says Error; Node sets the code alone.
    const code = String(socket.authorizationError);
    const { mark, text, ...more } = failed(describeFailure(Object.assign(new Error(code), { code }), reach));
    const names = code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? `, it has ${namesIn(certificate)}` : '';
    return {
      mark,
      text: `${text}${names}; issued by ${JSON.stringify(issuer)}, until ${day(validTo)}`,
      ...more,
      figures,
    };
  }
  checkPins(socket, reach.pins);
  if (reach.ca === undefined && !isWellKnown(rootOf(certificate))) {
    return warn(
      `the authority ${JSON.stringify(nameOf(rootOf(certificate).subject))} is known to this machine only`,
      'if it is not your own, something on the way opens TLS and can read the token: ask who runs this network',
      figures,
    );
  }
  const days = Math.floor((validTo.getTime() - Date.now()) / DAY);
  if (endsSoon(new Date(certificate.valid_from), validTo, Date.now()))
    return warn(`the certificate ends in ${days} days, ${day(validTo)}`, 'renew it on the server', figures);
  return ok(`${protocol}, issued by ${JSON.stringify(issuer)}, until ${day(validTo)}`, figures);
}

/** As RFC 5280 has them, of which there may be hundreds; without any the subject's name counts. */
function namesIn({ subjectaltname, subject }: DetailedPeerCertificate): string {
  const names = subjectaltname?.split(', ').map((name) => name.replace(/^(DNS|IP Address):/, '')) ?? [nameOf(subject)];
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}

const MOST_NAMES = 5;

function rootOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate {
  const { issuerCertificate: issuer } = certificate;
  return issuer === undefined || issuer === certificate || issuer.fingerprint256 === certificate.fingerprint256
    ? certificate
    : rootOf(issuer);
}

function isWellKnown({ fingerprint256 }: DetailedPeerCertificate): boolean {
  return rootCertificates.some((pem) => new X509Certificate(pem).fingerprint256 === fingerprint256);
}

function nameOf({ CN, O }: DetailedPeerCertificate['issuer']): string {
  return [O, CN].flat().filter(Boolean).join(', ') || 'nobody';
}

function day(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'never' : date.toISOString().slice(0, 10);
}
