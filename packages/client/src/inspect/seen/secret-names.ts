/** Whether something of this name, such as a field of a form, is nobody else's business. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return SECRET.test(plain);
}

/** Of a name in lower case, letters and digits alone: `max_tokens` is none, `access_token` is. */
const SECRET =
  /passw(or)?d|passphrase|passcode|secret|credential|apikey|accesskey|authkey|functionskey|privatekey|subscriptionkey|authorization|jwt|token$|^(user|x)?(pass|pwd|pin|otp|sid|sig|auth)$|sessionid$|signature$/;

/** What is shown instead. */
export const MASKED = '***';
