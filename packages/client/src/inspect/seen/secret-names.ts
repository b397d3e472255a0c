/** Whether something of this name, such as a field of a form, is nobody else's business. */
export function isSecretName(name: string): boolean {
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return SECRET.test(plain);
}

/**
 * The same of a field of a URL or a form. The code of OAuth is called as many others are, but nobody can guess it (RFC 6749 section
 * 10.10).
 */
export function isSecretField(name: string, value: string): boolean {
  return isSecretName(name) || (name === 'code' && value.length >= LEAST_CODE);
}

const LEAST_CODE = 16;

/** Of a name in lower case, letters and digits alone: `max_tokens` is none, `access_token` is. */
const SECRET =
  /passw(or)?d|passphrase|passcode|secret|credential|apikey|accesskey|authkey|functionskey|privatekey|subscriptionkey|authorization|codeverifier|devicecode|samlresponse|jwt|token$|assertion$|^(user|x)?(pass|pwd|pin|otp|sid|sig|auth)$|sessionid$|signature$/;

/** What is shown instead. */
export const MASKED = '***';
