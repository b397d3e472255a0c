import { readFileSync } from 'node:fs';

const KEYS = {
  origin: 'where the page is, such as "https://console.example.org"',
  users: 'a list of users',
  port: 'the port to listen on, default 8080',
  host: 'the address to listen on, default 127.0.0.1',
  trustedProxies: 'addresses of the proxies whose X-Forwarded-For counts',
  containerEngine: 'the Unix socket of the Docker Engine API; without it there are no containers',
  audit: 'the file of the audit log; without it standard output',
  recordings: 'a folder: consoles of containers are recorded there, and their users see that',
};
const USER_KEYS = ['id', 'tokenSha256', 'destinations', 'containers', 'consoles'];
const ACTIONS = ['exec', 'attach', 'logs'];

/**
 * Reads the configuration, and checks it: what is misspelt must not open anything.
 *
 * @throws {Error} with one line for the operator
 */
export function readConfig(path) {
  const config = JSON.parse(readFileSync(path, 'utf8'));
  check(isObject(config), 'the file is an object');
  for (const key of Object.keys(config))
    check(key in KEYS, `no key "${key}"; there are ${Object.keys(KEYS).join(', ')}`);
  check(URL.canParse(config.origin) && new URL(config.origin).origin === config.origin, `origin: ${KEYS.origin}`);
  check(Array.isArray(config.users), `users: ${KEYS.users}`);
  for (const user of config.users) checkUser(user);
  return { port: 8080, host: '127.0.0.1', trustedProxies: [], ...config };
}

/** A user as wsproxy-server takes it: nothing but what `destinations` names. */
export function toUserEntry({ id, tokenSha256, destinations = [], consoles = 16 }) {
  return { id, tokenSha256, policy: { deny: ['*'], allow: destinations }, limits: { channels: consoles } };
}

/** What a user may do with a container of this name. */
export function actionsOn(user, name) {
  const rules = (user.containers ?? []).filter((rule) => matches(rule.name, name));
  return ACTIONS.filter((action) => rules.some(({ may }) => may.includes(action)));
}

function checkUser(user) {
  check(isObject(user), 'a user is an object');
  const who = `user ${JSON.stringify(user.id)}`;
  for (const key of Object.keys(user)) check(USER_KEYS.includes(key), `${who}: no key "${key}"`);
  for (const rule of user.containers ?? []) {
    check(isObject(rule) && typeof rule.name === 'string', `${who}: a rule for containers has a name, such as "web-*"`);
    check(
      Object.keys(rule).every((key) => key === 'name' || key === 'may'),
      `${who}: a rule has "name" and "may" alone`,
    );
    const isRight = Array.isArray(rule.may) && rule.may.every((action) => ACTIONS.includes(action));
    check(isRight, `${who}: "may" is a list of ${ACTIONS.join(', ')}`);
  }
}

/** `*` stands for any characters. */
function matches(pattern, name) {
  const literals = pattern.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literals.join('.*')}$`).test(name);
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function check(isRight, expectation) {
  if (!isRight) throw new Error(expectation);
}
