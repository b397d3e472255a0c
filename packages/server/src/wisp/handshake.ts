import {
  decodeInfo,
  decodePassword,
  Extension,
  encodeInfo,
  type Info,
  type InfoExtension,
  type Login,
  MAJOR,
} from './info.js';
import { CloseReason } from './packets.js';

/** The payload of the INFO by which this server begins version 2. */
export function serverInfo({ hasFlows, motd, needsLogin }: Offer): Buffer {
  const extensions: InfoExtension[] = [];
  if (hasFlows) extensions.push({ id: Extension.udp, payload: NOTHING });
  if (needsLogin) extensions.push({ id: Extension.password, payload: Buffer.from([1]) });
  if (motd !== undefined) extensions.push({ id: Extension.motd, payload: Buffer.from(motd) });
  extensions.push({ id: Extension.openConfirmation, payload: NOTHING });
  return encodeInfo(extensions);
}

/** What the INFO of a client says to that; a number is the reason to close the connection. */
export function readAnswer(payload: Uint8Array, { needsLogin }: Pick<Offer, 'needsLogin'>): Answer | number {
  const info = decodeInfo(payload);
  if (info === undefined || info.major !== MAJOR) return CloseReason.incompatible;
  const confirmsOpening = payloadOf(info, Extension.openConfirmation) !== undefined;
  if (!needsLogin) return { confirmsOpening };
  const shown = payloadOf(info, Extension.password);
  const login = shown && decodePassword(shown);
  if (login === undefined) return CloseReason.noPassword;
  return { confirmsOpening, login };
}

export interface Offer {
  readonly hasFlows: boolean;
  /** What people are to read. */
  readonly motd: string | undefined;
  /** The path has said nobody's token. */
  readonly needsLogin: boolean;
}

export interface Answer {
  readonly confirmsOpening: boolean;
  readonly login?: Login;
}

const NOTHING = Buffer.alloc(0);

function payloadOf({ extensions }: Info, wanted: number): Uint8Array | undefined {
  return extensions.find(({ id }) => id === wanted)?.payload;
}
