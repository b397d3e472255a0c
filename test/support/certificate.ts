import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './programs/program.js';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** The file with the certificate, for NODE_EXTRA_CA_CERTS. */
  readonly file: string;
}

/** Makes a certificate that has signed itself, with OpenSSL. `days` may lie in the past. */
export async function makeCertificate(folder: string, name: string, days: number): Promise<Certificate> {
  const inFolder = (file: string) => join(folder, file);
  const [key, request, extensions, file] = [inFolder('key'), inFolder('csr'), inFolder('ext'), inFolder('cert')];
  writeFileSync(extensions, `subjectAltName=${name}\n`);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
  await openssl('req', '-new', ...newKey, '-subj', '/CN=test', '-out', request);
  const validity = ['-days', String(days), '-extfile', extensions];
  await openssl('x509', '-req', '-in', request, '-signkey', key, ...validity, '-out', file);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(file, 'utf8'), file };
}

async function openssl(...args: string[]): Promise<void> {
  const { code, stderr } = await run('openssl', args);
  if (code !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
}
