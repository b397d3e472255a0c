import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as tar from 'tar';
import type { Executable } from './executable.js';
import { root, run } from './run.js';

/**
 * Makes a container image of an executable of this machine's kind, as one file that podman, skopeo and docker load: the
 * executable, the libraries of this machine that it needs, and nothing else. What the image does is said in deploy/Dockerfile.
 */
export async function packImage(executable: Executable, date: Date, stage: string, file: string): Promise<string> {
  const system = join(stage, 'root');
  const layout = join(stage, 'layout');
  for (const folder of [system, layout]) rmSync(folder, { recursive: true, force: true });
  fillRoot(executable, system);
  const layer = join(stage, 'layer.tar');
  await tar.create(
    { file: layer, cwd: system, portable: true, mtime: date },
    ['etc', 'lib', 'lib64', 'tmp', 'usr'].filter((name) => isThere(join(system, name))),
  );
  const bytes = readFileSync(layer);
  const blob = (body: Buffer): { digest: string; size: number } => {
    const hash = createHash('sha256').update(body).digest('hex');
    mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(layout, 'blobs/sha256', hash), body);
    return { digest: `sha256:${hash}`, size: body.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  // As https://github.com/opencontainers/image-spec has them.
  const config = blob(
    json({
      created: date.toISOString(),
      architecture: executable.platform === 'linux-arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: lastStage(readFileSync(join(root, 'deploy/Dockerfile'), 'utf8')),
      rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(bytes).digest('hex')}`] },
    }),
  );
  const manifest = blob(
    json({
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: { mediaType: `${OCI}.config.v1+json`, ...config },
      layers: [{ mediaType: `${OCI}.layer.v1.tar+gzip`, ...blob(gzipSync(bytes)) }],
    }),
  );
  const index = { schemaVersion: 2, manifests: [{ mediaType: `${OCI}.manifest.v1+json`, ...manifest }] };
  writeFileSync(join(layout, 'index.json'), json(index));
  writeFileSync(join(layout, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  await tar.create({ file, cwd: layout, portable: true, mtime: date }, ['oci-layout', 'index.json', 'blobs']);
  return file;
}

const OCI = 'application/vnd.oci.image';

/** The files of the image. */
function fillRoot({ program, path, notices }: Executable, system: string): void {
  const put = (place: string, body: Buffer | string): void => {
    mkdirSync(dirname(join(system, place)), { recursive: true });
    writeFileSync(join(system, place), body);
  };
  const copy = (from: string, place: string): void => {
    put(place, readFileSync(from));
    chmodSync(join(system, place), 0o755);
  };
  copy(path, `usr/bin/${program}`);
  // `libm.so.6 => /lib/.../libm.so.6 (0x...)`, and the loader by its path alone.
  for (const [, library = ''] of run('ldd', [path]).matchAll(/(\/\S+) \(0x/g)) copy(realpathSync(library), library);
  put(
    `usr/share/doc/${program}/copyright`,
    `${readFileSync(join(root, 'LICENSE'), 'utf8')}\n${readFileSync(notices, 'utf8')}`,
  );
  // As Debian has them.
  for (const name of ['libc6', 'libgcc-s1', 'libstdc++6']) {
    const license = `usr/share/doc/${name}/copyright`;
    if (isThere(`/${license}`)) put(license, readFileSync(`/${license}`));
  }
  put('etc/passwd', 'wsproxy:x:1000:1000::/:/usr/sbin/nologin\n');
  put('etc/group', 'wsproxy:x:1000:\n');
  put('etc/nsswitch.conf', 'hosts: files dns\n');
  // Where workers put their sockets: a volume in memory can be mounted there.
  mkdirSync(join(system, 'tmp'));
}

/** What a Dockerfile says of the image itself. */
function lastStage(dockerfile: string): object {
  const stage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  const said = (name: string): string => new RegExp(`^${name} (.+)$`, 'm').exec(stage)?.[1] ?? '';
  return {
    User: said('USER'),
    ExposedPorts: { [`${said('EXPOSE')}/tcp`]: {} },
    Entrypoint: JSON.parse(said('ENTRYPOINT')) as string[],
    Cmd: JSON.parse(said('CMD')) as string[],
  };
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
