import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const CONFIGURATION = `[ca]
default_ca = own
[own]
dir = .
database = index
serial = serial
crlnumber = crlnumber
new_certs_dir = issued
certificate = cert
private_key = key
default_md = sha256
default_days = 2
default_crl_days = 2
policy = any
copy_extensions = copy
[any]
commonName = supplied
`;

export interface Issued {
  readonly name: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of OpenSSL's, which issues, revokes, and lists what it has revoked. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'wsproxy-ca-'));

  /** Signed by itself, or by `parent`. */
  constructor(name: string, parent?: Authority) {
    mkdirSync(join(this.#folder, 'issued'));
    for (const [file, text] of Object.entries({ config: CONFIGURATION, index: '', serial: '01', crlnumber: '01' })) {
      this.#write(file, text);
    }
    const subject = ['-subj', `/CN=${name}`];
    const isAuthority = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=keyCertSign,cRLSign'];
    if (parent === undefined) {
      this.#openssl(
        'req',
        '-x509',
        ...NEW_KEY,
        '-days',
        '2',
        ...subject,
        ...isAuthority,
        '-keyout',
        'key',
        '-out',
        'cert',
      );
      return;
    }
    this.#openssl('req', '-new', ...NEW_KEY, ...subject, ...isAuthority, '-keyout', 'key', '-out', 'request');
    this.#write('cert', parent.#sign(name, this.#read('request')));
  }

  get cert(): string {
    return this.#read('cert');
  }

  /** `altName`: whose it is, such as `IP:127.0.0.1`; without it, it is a client's. */
  issue(name: string, altName?: string): Issued {
    const subject = [
      '-subj',
      `/CN=${name}`,
      ...(altName === undefined ? [] : ['-addext', `subjectAltName=${altName}`]),
    ];
    this.#openssl('req', '-new', ...NEW_KEY, ...subject, '-keyout', 'their-key', '-out', 'request');
    return { name, key: this.#read('their-key'), cert: this.#sign(name, this.#read('request')) };
  }

  revoke({ name }: Issued): void {
    this.#openssl('ca', '-config', 'config', '-revoke', `${name}.pem`);
  }

  /** The revocation list of now; or one whose next update is long past. */
  list(isOld = false): string {
    const old = isOld ? ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200102000000Z'] : [];
    this.#openssl('ca', '-config', 'config', '-gencrl', ...old, '-out', 'list');
    return this.#read('list');
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #sign(name: string, request: string): string {
    this.#write('to-sign', request);
    this.#openssl('ca', '-config', 'config', '-batch', '-notext', '-in', 'to-sign', '-out', `${name}.pem`);
    return this.#read(`${name}.pem`);
  }

  #read(file: string): string {
    return readFileSync(join(this.#folder, file), 'utf8');
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.#folder, file), text);
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' });
  }
}
