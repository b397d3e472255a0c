/** What is wrong with a private key, in a sentence for the user. */
export class KeyError extends Error {}
