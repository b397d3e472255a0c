import { Program, run } from './program.js';

/** Another machine, for a script that runs on one of its own: `within` begins the command line of what runs there. */
export interface Machine {
  readonly pid: number;
  readonly within: readonly string[];
  /** Runs a line of shell there. */
  sh(line: string): Promise<string>;
}

/** This machine. */
export const here: Machine = { pid: process.pid, within: [], sh: (line) => sh([], line) };

/** Gone at the end, with its network. */
export async function startMachine(): Promise<Machine> {
  const program = new Program('unshare', ['-n', 'sh', '-ec', 'ip link set lo up; echo ready >&2; exec sleep infinity']);
  await program.untilStderr(/ready/);
  const within = ['nsenter', `--net=/proc/${program.pid}/ns/net`];
  return { pid: program.pid, within, sh: (line) => sh(within, line) };
}

/** A cable between two machines, which have the addresses `.1` and `.2` of the network, such as `10.91.0`. */
export async function connectMachines(one: Machine, two: Machine, name: string, network: string): Promise<void> {
  await here.sh(`ip link add ${name} netns ${one.pid} type veth peer name ${name} netns ${two.pid}`);
  for (const [machine, address] of [
    [one, `${network}.1`],
    [two, `${network}.2`],
  ] as const) {
    await machine.sh(`ip address add ${address}/24 dev ${name}; ip link set ${name} up`);
  }
}

async function sh(within: readonly string[], line: string): Promise<string> {
  const [command = '', ...args] = [...within, 'sh', '-ec', line];
  const { code, stdout, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${line}: ${stderr}`);
  return stdout;
}
