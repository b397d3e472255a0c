// An authority, and a certificate of it, for servers of one cluster.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** `cert`, `key` and `ca` as text; the files stay in `folder`. */
export async function issueCertificates(folder) {
  const at = (name) => join(folder, name);
  const newKey = (key) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key];
  await writeFile(at('ext'), 'extendedKeyUsage=serverAuth,clientAuth\n');
  await run('openssl', ['req', '-x509', ...newKey(at('ca.key')), '-subj', '/CN=ca', '-days', '2', '-out', at('ca')]);
  await run('openssl', ['req', ...newKey(at('key')), '-subj', '/CN=node', '-out', at('csr')]);
  const signing = ['-CA', at('ca'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('ext')];
  await run('openssl', ['x509', '-req', '-in', at('csr'), ...signing, '-out', at('cert')]);
  const [cert, key, ca] = await Promise.all(['cert', 'key', 'ca'].map((name) => readFile(at(name), 'utf8')));
  return { cert, key, ca };
}
