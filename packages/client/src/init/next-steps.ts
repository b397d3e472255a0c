import { shellWords } from 'wsproxy-cli/init';
import { launchdPath, type Machine, withConfig } from './plan-files.js';

/** How to start the client, and how programs use it: headings, each with its lines. */
export function nextSteps(machine: Machine, { listen, status }: Ports): [heading: string, lines: string[]][] {
  const start = shellWords(withConfig(machine.command.typed, machine));
  return [
    ['Start it now:', [start]],
    ...loginSteps(machine),
    ...(listen === undefined ? [] : programSteps(listen)),
    ...(status === undefined ? [] : statusSteps(status)),
  ];
}

/** Where the client listens; undefined where that is no port of this machine. */
export interface Ports {
  readonly listen: string | undefined;
  readonly status: string | undefined;
}

function loginSteps(machine: Machine): [string, string[]][] {
  const { platform, hasSystemd } = machine;
  if (hasSystemd) {
    const enable = 'systemctl --user daemon-reload && systemctl --user enable --now wsproxy-client';
    return [['Or start it now and at each login:', [enable, `loginctl enable-linger   # ${LINGERING}`]]];
  }
  if (platform === 'darwin') {
    const load = `launchctl bootstrap "gui/$(id -u)" ${shellWords([launchdPath(machine)])}`;
    return [['Or start it now and at each login (not tested on a Mac yet):', [load]]];
  }
  if (platform === 'win32') {
    const words = withConfig(machine.command.words, machine).map((word) => `\\"${word}\\"`);
    const task = `schtasks /Create /SC ONLOGON /TN wsproxy-client /TR "${words.join(' ')}"`;
    return [['Start it at each login (not tested on Windows yet):', [task]]];
  }
  return [];
}

const LINGERING = 'also while you are not logged in';

function programSteps(listen: string): [string, string[]][] {
  return [
    ['Try it:', [`curl -x socks5h://${listen} https://example.com/`]],
    [
      'Browsers:',
      [
        `chromium --proxy-server=socks5://${listen}`,
        `Firefox: Settings, Network Settings: SOCKS host and port ${listen}, SOCKS v5, Proxy DNS when using SOCKS v5`,
      ],
    ],
  ];
}

function statusSteps(status: string): [string, string[]][] {
  return [
    [
      'For the proxy settings of the system and of browsers, as automatic configuration:',
      [`http://${status}/proxy.pac`],
    ],
    ['What the client does, in a browser:', [`http://${status}/`]],
  ];
}
