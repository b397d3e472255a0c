import { randomBytes, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import type { DestinationRule } from 'wsproxy-node/targets';
import { parseInspectRule } from '../rule.js';
import { Authority, type AuthorityFiles, commonName, createAuthority } from './authority.js';
import { Constraints } from './constraints.js';

/** Where an authority is kept, for one user alone. */
export class AuthorityFolder {
  readonly #path: string;
  readonly #now: () => Date;

  constructor(path: string, now: () => Date = () => new Date()) {
    this.#path = path;
    this.#now = now;
  }

  /** The certificate alone, which others may read who are given it. */
  get certificatePath(): string {
    return join(this.#path, 'ca.pem');
  }

  /** The key with its certificate, written at once. */
  get #keyPath(): string {
    return join(this.#path, 'ca-key.pem');
  }

  /**
   * The one that is here, or a new one.
   * @throws Error in one line when it is not for all of these rules, is too old, or cannot be used
   */
  open(rules: readonly DestinationRule[]): Authority {
    const wanted = new Constraints(rules);
    const found = this.#read() ?? this.#create(wanted);
    if (!found.constraints.includes(wanted)) {
      throw new Error(
        `the CA in ${this.#path} is for ${listed(found.constraints)} alone, and the rules name ${listed(wanted)}: ${BEGIN_ANEW}`,
      );
    }
    return this.#check(found);
  }

  /** The one that is here, for any rules; undefined when there is none. */
  find(): Authority | undefined {
    const found = this.#read();
    return found && this.#check(found);
  }

  /** The common name of the one that is here, though it may be of no use any more; undefined when nothing tells it. */
  get name(): string | undefined {
    try {
      return commonName(new X509Certificate(readFileSync(this.certificatePath)));
    } catch {
      return undefined;
    }
  }

  /** Leaves nothing of it. False when nothing was here. */
  remove(): boolean {
    // A process that was killed while it made one has left its key by another name.
    const was = existsSync(this.#path)
      ? readdirSync(this.#path).filter((name) => /^ca(-key)?\.pem(\.|$)/.test(name))
      : [];
    for (const name of was) rmSync(join(this.#path, name), { force: true });
    return was.length > 0;
  }

  #check({ certificate, key }: Found): Authority {
    const until = new X509Certificate(certificate).validTo;
    if (Date.parse(until) <= this.#now().getTime()) {
      throw new Error(`the CA in ${this.#path} has expired (${until}): ${BEGIN_ANEW}`);
    }
    return new Authority({ certificate, key });
  }

  #read(): Found | undefined {
    let text: string;
    try {
      text = readFileSync(this.#keyPath, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    // Windows has other rights than these.
    if (platform() !== 'win32' && (statSync(this.#keyPath).mode & 0o077) !== 0) {
      throw new Error(`${this.#keyPath} can be read by others: ${BEGIN_ANEW}`);
    }
    const [, rules = '', certificate = '', key = ''] = FORM.exec(text) ?? [];
    try {
      const constraints = new Constraints(rules.split(' ').map(parseInspectRule));
      // What is said of it must be what is in it.
      if (!new X509Certificate(certificate).raw.includes(constraints.extension())) throw new Error('other rules');
      const found = { certificate, key, constraints };
      new Authority(found);
      // It may have been lost, or never come so far.
      if (!isSame(this.certificatePath, certificate)) writeFileSync(this.certificatePath, certificate);
      return found;
    } catch (error) {
      throw new Error(`${this.#keyPath} is damaged: ${BEGIN_ANEW}`, { cause: error });
    }
  }

  /** Of two processes that make one at once, one does. */
  #create(constraints: Constraints): Found {
    mkdirSync(this.#path, { recursive: true, mode: 0o700 });
    // It may have been there with another mode.
    chmodSync(this.#path, 0o700);
    const id = randomBytes(4).toString('hex');
    const files = createAuthority(constraints, id, this.#now());
    const path = `${this.#keyPath}.${id}`;
    writeFileSync(path, `${HEADING}${constraints.text}\n${files.certificate}${files.key}`, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
    try {
      linkSync(path, this.#keyPath);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(path, { force: true });
    }
    const made = this.#read();
    if (made === undefined) throw new Error(`${this.#keyPath} was removed while it was made`);
    return made;
  }
}

interface Found extends AuthorityFiles {
  readonly constraints: Constraints;
}

const listed = ({ text }: Constraints): string => text.replaceAll(' ', ', ');

function isSame(path: string, text: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined && readFileSync(path, 'utf8') === text;
}

const BEGIN_ANEW = 'run wsproxy-client ca remove, start again, and trust the new one';
const HEADING = 'The CA of wsproxy-client --inspect, and its key, for: ';
const FORM = new RegExp(
  `^${HEADING}([^\\n]+)\\n(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\\n)(-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\\n)$`,
);
