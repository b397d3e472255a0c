import { readFileSync, statSync } from 'node:fs';

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
  try {
    return checked(JSON.parse(readFileSync(path, 'utf8')));
  } catch ({ message }) {
    throw new Error(`${path}: ${message}`);
  }
}

function checked(config) {
  check(isObject(config), 'expected an object in braces');
  for (const key of Object.keys(config))
    check(key in KEYS, `no key "${key}"; there are ${Object.keys(KEYS).join(', ')}`);
  check(!String(config.origin).endsWith('/'), 'origin: leave out the "/" at its end');
  check(URL.canParse(config.origin) && new URL(config.origin).origin === config.origin, `origin: ${KEYS.origin}`);
  check(Array.isArray(config.users), `users: ${KEYS.users}`);
  for (const user of config.users) checkUser(user);
  const all = { port: 8080, host: '127.0.0.1', trustedProxies: [], ...config };
  check(Number.isInteger(all.port) && all.port >= 0 && all.port <= 65_535, 'port: a number from 0 to 65535');
  check(Array.isArray(all.trustedProxies), `trustedProxies: a list of ${KEYS.trustedProxies}`);
  return all;
}

/** What is not as somebody may think, in lines for the operator. An engine may come later than this server. */
export function warningsAbout({ users, containerEngine }) {
  if (containerEngine !== undefined) {
    const isThere = statSync(containerEngine, { throwIfNoEntry: false })?.isSocket();
    return isThere ? [] : [`containerEngine: there is no socket at ${containerEngine}, so nobody gets to a container`];
  }
  const names = users.filter(({ containers = [] }) => containers.length > 0).map(({ id }) => id);
  return names.map((id) => `user "${id}": rules for containers do nothing without "containerEngine"`);
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
  check(
    /^[0-9a-f]{64}$/.test(user.tokenSha256),
    `${who}: tokenSha256 is the SHA-256 of the token, 64 hexadecimal digits`,
  );
  const lists = [user.destinations ?? [], user.containers ?? []];
  check(lists.every(Array.isArray), `${who}: destinations and containers are lists`);
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
