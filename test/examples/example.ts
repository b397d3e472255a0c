import { fileURLToPath } from 'node:url';
import { Program } from 'wsproxy-test-support/programs/program';
import { startClient } from 'wsproxy-test-support/tunnel';

/** Runs an example, and waits until it prints its port. */
export async function startExample(
  name: string,
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ program: Program; port: number }> {
  const file = fileURLToPath(new URL(`../../examples/${name}/server.mjs`, import.meta.url));
  const program = new Program(process.execPath, [file, ...args], { env: { PORT: '0', ALLOW_PRIVATE: 'yes', ...env } });
  return { program, port: Number(await program.untilStdout(/127\.0\.0\.1:(\d+)/)) };
}

/** A client of the tunnel that an example has at `/tunnel`. */
export function startClientOf(port: number, token: string, path = '/tunnel') {
  return startClient(port, { url: `ws://127.0.0.1:${port}${path}`, token });
}
