import { randomBytes } from 'node:crypto';
import type { SessionKey } from 'wsproxy-engine';
import { WayBack } from '../reach/way-back.js';

/** Which session a probe is going to begin: the request for its transport tells that ahead of it. */
export class ProbeIdentity {
  readonly key: SessionKey = { id: randomBytes(16), secret: randomBytes(32) };
  readonly wayBack: WayBack;
  /** Where the probe lives, once its requests are to be those of a client that comes back. */
  #home: string | undefined;

  constructor() {
    const next = () => ({ id: this.key.id, resumes: this.#home !== undefined });
    const home = () => this.#home;
    this.wayBack = new WayBack({
      get next() {
        return next();
      },
      get route() {
        return home();
      },
    });
  }

  /** From now on each request is one of a client that comes back to `home`. */
  comeBackTo(home: string): void {
    this.#home = home;
  }
}
