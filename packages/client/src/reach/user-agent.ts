import { VERSION } from 'wsproxy-engine';

/** How a client names itself to its server (RFC 9110 section 10.1.5), for the log there; a header of that name replaces it. */
export const USER_AGENT: string = `wsproxy-client/${VERSION}`;
/** The same for an examination, so that its questions are not taken for an attack. */
export const DOCTOR_AGENT: string = `${USER_AGENT} (doctor)`;
