import './nonce.js';
import '@xterm/xterm/css/xterm.css';
import './style.css';
import { Console } from './console.js';
import { CONTAINER_HOST, listContainers, openContainerShell } from './containers/shell.js';
import { judgeHostKey, knownTypeOf, manageKnownHosts } from './host-keys.js';
import { NewConsole } from './new-console.js';
import { openSshShell } from './ssh/shell.js';
import { Tabs } from './tabs.js';
import { Theme } from './theme.js';
import { openTunnel, post } from './tunnel.js';

const STATES = {
  connecting: 'Connecting',
  connected: 'Connected',
  away: 'Reconnecting. Nothing is lost.',
  gone: 'Disconnected',
};

const at = (id) => document.querySelector(`#${id}`);
const { user, hasContainers } = await (await fetch('me')).json();
if (user === undefined) showLogin();
else showConsoles();

function showLogin() {
  const form = at('login');
  form.hidden = false;
  form.elements.user.focus();
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const [name, token] = [form.elements.user.value.trim(), form.elements.token.value.trim()];
    post('login', { user: name, token }).then(
      () => location.reload(),
      ({ message }) => {
        form.querySelector('.error').textContent = message;
      },
    );
  });
}

function showConsoles() {
  at('app').hidden = false;
  at('user').textContent = user;
  const tabs = new Tabs(at('tabs'), at('panels'), at('empty'));
  const theme = new Theme(at('theme'), (colours) => {
    for (const one of tabs.consoles) one.colours = colours;
  });
  const tunnel = openTunnel(showStatus);
  const toContainers = () => tunnel.connect({ host: CONTAINER_HOST, port: 1 });
  const dialog = new NewConsole({
    hasContainers,
    listContainers: async () => listContainers(await toContainers()),
    onOpen: (wish) => void open(wish),
  });
  at('new').addEventListener('click', () => void dialog.show());
  at('hosts').addEventListener('click', () => void manageKnownHosts());
  at('again').addEventListener('click', () => location.reload());
  at('logout').addEventListener('click', () => void logOut());
  // A page that is closed by mistake ends its shells.
  addEventListener('beforeunload', (event) => {
    if (tabs.consoles.some(({ isOver }) => !isOver)) event.preventDefault();
  });
  at('new').focus();

  async function logOut() {
    await post('logout', {});
    tunnel.close();
    location.reload();
  }

  async function open(wish) {
    const console = new Console(wish.title, theme.colours, {
      onLeave: () => tabs.focusTabOf(console),
      onClose: () => tabs.remove(console),
    });
    tabs.add(console);
    console.show();
    console.focus();
    try {
      const shell = await (wish.kind === 'ssh' ? openSshOf(wish, console) : openContainerOf(wish, console));
      if (console.givenUp.aborted) shell.close();
      else await console.run(shell);
    } catch ({ message }) {
      if (!console.givenUp.aborted) console.finish(message);
    }
  }

  async function openSshOf({ host, port, user, password, key }, console) {
    const channel = await tunnel.connect({ host, port }, console.givenUp).catch(({ message }) => {
      throw new Error(`${host}:${port}: ${message}`);
    });
    const hostKeyType = await knownTypeOf(host, port);
    const judge = (shown) => judgeHostKey(host, port, shown);
    const options = { user, password, key, hostKeyType, judgeHostKey: judge };
    return openSshShell(channel, options, console.size, (bytes, taken) => console.output(bytes, taken));
  }

  async function openContainerOf({ asked }, console) {
    const onOutput = (bytes, taken) => console.output(bytes, taken);
    return openContainerShell(await toContainers(), { ...asked, ...console.size }, console.givenUp, onOutput);
  }
}

function showStatus({ state, reason }) {
  at('app').dataset.state = state;
  at('state').textContent = STATES[state];
  at('state').title = reason ?? '';
  at('again').hidden = state !== 'gone';
}
