import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * Reads the name by which clients reach a server, as people write it: what stands around it in a URL is taken off, and a name
 * in other letters becomes the one that DNS knows (RFC 5891).
 * @throws TypeError with one line that says what is wrong
 */
export function parsePublicName(text: string): string {
  const bare = text
    .trim()
    .replace(/^(?:https?|wss?):\/\//i, '')
    .replace(/\/$/, '')
    .replace(/(?<=[^.])\.$/, '');
  const problem = problemOf(bare);
  if (problem !== undefined) throw new TypeError(problem);
  const name = domainToASCII(bare);
  if (name.length <= LONGEST && name.split('.').every((label) => LABEL.test(label)) && isIP(name) === 0) return name;
  throw new TypeError('expected letters, digits and - between dots, such as proxy.example.org');
}

/** What people give in place of a name, or with it. */
function problemOf(text: string): string | undefined {
  if (text === '' || text.includes('://')) return 'expected the name of a host, such as proxy.example.org';
  if (isIP(text.replaceAll(/^\[|\](?::\d+)?$/g, '')) !== 0) {
    return 'an address has no certificate that clients trust; give a name that leads to this machine';
  }
  if (/[/?#]/.test(text)) return 'a host name has no path; give the path with --path';
  if (text.includes('@')) return 'a host name has no user; give users with --user';
  if (/:\d*$/.test(text)) return 'expected the name of a host, without a port';
  if (text.includes('*')) return 'one name is needed, not all below a domain; give the one that clients use';
  if (text.includes('_')) return 'a host name has no _, and gets no certificate with one';
  return undefined;
}

/** RFC 1123 section 2.1. */
const LABEL = /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/;
const LONGEST = 253;
