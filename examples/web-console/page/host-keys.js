import { ask } from './ask.js';
import { database } from './database.js';

const STORE = 'host-keys';

/** The type of the key that a host showed first; undefined for an unknown host. */
export async function knownTypeOf(host, port) {
  return (await database.get(STORE, `${host}:${port}`))?.type;
}

/** Accepts the key that was there before, asks about the first one, and refuses any other. */
export async function judgeHostKey(host, port, { type, fingerprint }) {
  const name = `${host}:${port}`;
  const known = await database.get(STORE, name);
  if (known?.fingerprint === fingerprint) return;
  if (known !== undefined) {
    throw new Error(
      `The host key of ${name} has changed. Somebody may listen in, so the connection is refused. ` +
        `Before: ${known.type} ${known.fingerprint}. Now: ${type} ${fingerprint}. ` +
        'If the host has a new key, remove the old one under “Known hosts”.',
    );
  }
  const isRight = await ask({
    title: 'Is this the right host?',
    text: [
      `${name} is new to this browser. It shows this ${type} key:`,
      fingerprint,
      'Compare it with that of the host.',
    ],
    yes: 'It is right',
    no: 'Refuse',
  });
  if (!isRight) throw new Error(`The host key of ${name} was refused.`);
  await database.set(STORE, name, { type, fingerprint });
}

/** Shows the hosts whose keys are known, and removes those that the user names. */
export async function manageKnownHosts() {
  for (const name of await database.keys(STORE)) {
    const { type, fingerprint } = await database.get(STORE, name);
    const isGone = await ask({ title: name, text: [type, fingerprint], yes: 'Remove', no: 'Keep' });
    if (isGone) await database.remove(STORE, name);
  }
}
