import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './bundle.js';
import type { Executable } from './executable.js';
import { root, run } from './run.js';

/**
 * Makes the .deb and the .rpm of an executable, by nfpm (nfpm.goreleaser.com), and returns their paths. The same files make
 * the same bytes.
 */
export function packForLinux({ executable, texts, version, date, stage, folder }: LinuxPackage): string[] {
  const { program, platform, path, notices } = executable;
  mkdirSync(stage, { recursive: true });
  const staged = (name: string, text: string): string => {
    writeFileSync(join(stage, name), text);
    return join(stage, name);
  };
  const license = readFileSync(join(root, 'LICENSE'), 'utf8');
  const share = (place: string, src: string): Content => ({ src, dst: `/usr/share/${place}` });
  const completion = (shell: string): string => staged(`completion.${shell}`, texts[shell] ?? '');
  const page = manFile(program);
  const contents: Content[] = [
    { src: path, dst: `/usr/bin/${program}`, file_info: { mode: 0o755 } },
    share(`man/man${page.slice(-1)}/${page}`, staged(page, texts['man'] ?? '')),
    share(`man/zh_CN/man${page.slice(-1)}/${page}`, staged(`zh_CN.${page}`, texts['man-zh'] ?? '')),
    share(`bash-completion/completions/${program}`, completion('bash')),
    share(`fish/vendor_completions.d/${program}.fish`, completion('fish')),
    { ...share(`zsh/vendor-completions/_${program}`, completion('zsh')), packager: 'deb' },
    { ...share(`zsh/site-functions/_${program}`, completion('zsh')), packager: 'rpm' },
    share(`doc/${program}/copyright`, staged('copyright', `${license}\n${readFileSync(notices, 'utf8')}`)),
    ...(program === 'wsproxy-server' ? serverFiles(staged) : clientFiles(staged)),
  ];
  const settings = {
    name: program,
    arch: platform === 'linux-arm64' ? 'arm64' : 'amd64',
    version,
    section: 'net',
    maintainer: 'The authors of wsproxy <https://wsproxy.invalid>',
    description: readManifest(program).description,
    license: 'MIT',
    mtime: date.toISOString(),
    contents: contents.map((content) => ({
      ...content,
      file_info: { mtime: date.toISOString(), mode: 0o644, ...content.file_info },
    })),
    ...(program === 'wsproxy-server' && {
      scripts: {
        postinstall: script('server-installed.sh'),
        preremove: script('server-removing.sh'),
        postremove: script('server-removed.sh'),
      },
    }),
    overrides: {
      deb: { depends: ['libc6 (>= 2.28)', 'libstdc++6', ...(program === 'wsproxy-server' ? ['passwd'] : [])] },
      rpm: { depends: ['glibc >= 2.28', 'libstdc++', ...(program === 'wsproxy-server' ? ['shadow-utils'] : [])] },
    },
    rpm: { buildhost: 'localhost' },
  };
  const config = staged('nfpm.json', JSON.stringify(settings, undefined, 2));
  return ['deb', 'rpm'].map((packager) => {
    const said = run('nfpm', ['package', '--config', config, '--packager', packager, '--target', folder]);
    const made = /created package: (.+)/.exec(said)?.[1];
    if (made === undefined) throw new Error(`nfpm: ${said}`);
    return made;
  });
}

/** `wsproxy-server.8` */
export function manFile(program: Program): string {
  return `${program}.${program === 'wsproxy-server' ? 8 : 1}`;
}

interface LinuxPackage {
  readonly executable: Executable;
  /** The pages for `man`, and what completes in each shell. */
  readonly texts: Readonly<Record<string, string>>;
  readonly version: string;
  /** Of all files in them. */
  readonly date: Date;
  /** For what they are made from. */
  readonly stage: string;
  readonly folder: string;
}

/** As nfpm has it. */
interface Content {
  readonly src?: string;
  readonly dst: string;
  readonly type?: 'config|noreplace' | 'dir';
  readonly packager?: 'deb' | 'rpm';
  readonly file_info?: { readonly mode: number };
}

function serverFiles(staged: (name: string, text: string) => string): Content[] {
  const unit = readFileSync(join(root, 'deploy/wsproxy-server.service'), 'utf8');
  return [
    {
      src: staged(
        'wsproxy-server.service',
        forPackage(unit, '/usr/bin/wsproxy-server --config /etc/wsproxy/server.yaml $FLAGS'),
      ),
      dst: '/usr/lib/systemd/system/wsproxy-server.service',
    },
    { src: join(root, 'deploy/wsproxy-server.socket'), dst: '/usr/lib/systemd/system/wsproxy-server.socket' },
    { dst: '/etc/wsproxy', type: 'dir', file_info: { mode: 0o750 } },
    {
      src: join(root, 'deploy/packages/server.yaml'),
      dst: '/etc/wsproxy/server.yaml',
      type: 'config|noreplace',
      file_info: { mode: 0o640 },
    },
  ];
}

function clientFiles(staged: (name: string, text: string) => string): Content[] {
  const unit = readFileSync(join(root, 'deploy/wsproxy-client.service'), 'utf8');
  return [
    {
      src: staged('wsproxy-client.service', forPackage(unit, '/usr/bin/wsproxy-client')),
      dst: '/usr/lib/systemd/user/wsproxy-client.service',
    },
    { src: join(root, 'deploy/packages/client.yaml'), dst: '/usr/share/doc/wsproxy-client/examples/client.yaml' },
  ];
}

/** The unit of deploy/ with the program where the package has it, and without what it says of installing it. */
function forPackage(unit: string, command: string): string {
  const made = unit
    .replace(/^(#.*\n)+\n/, '')
    .replace(/^ExecStart=\/usr\/bin\/node .*$/m, () => `ExecStart=${command}`);
  if (!made.includes(command)) throw new Error(`a unit of deploy/ starts its program in another way now`);
  return made;
}

function script(name: string): string {
  return join(root, 'deploy/packages', name);
}

function readManifest(program: Program): { readonly description: string } {
  const file = join(root, 'packages', program.replace('wsproxy-', ''), 'package.json');
  return JSON.parse(readFileSync(file, 'utf8')) as { description: string };
}
