import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Files, fileOf, folderOf, type PackedFile, tarOf, textFile, withFolders } from './archive.js';
import type { Executable } from './executable.js';
import { root, run } from './run.js';

/**
 * Makes a container image of an executable of this machine's kind, as one file that podman, skopeo and docker load: the
 * executable, the libraries of this machine that it needs, and nothing else. What the image does is said in deploy/Dockerfile,
 * which takes its files from `system`.
 */
export async function packImage(executable: Executable, date: Date, system: string, file: string): Promise<string> {
  const files = systemOf(executable);
  layOut(files, system);
  const layer = Buffer.concat([...tarOf(files, date)]);
  const blobs = new Map<string, PackedFile>();
  const blob = (body: Buffer): { digest: string; size: number } => {
    const hash = createHash('sha256').update(body).digest('hex');
    blobs.set(`blobs/sha256/${hash}`, { body, mode: 0o644 });
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
      rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`] },
    }),
  );
  const manifest = blob(
    json({
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: { mediaType: `${OCI}.config.v1+json`, ...config },
      layers: [{ mediaType: `${OCI}.layer.v1.tar+gzip`, ...blob(gzipSync(layer)) }],
    }),
  );
  const index = { schemaVersion: 2, manifests: [{ mediaType: `${OCI}.manifest.v1+json`, ...manifest }] };
  const image = new Map([
    ['oci-layout', textFile(JSON.stringify({ imageLayoutVersion: '1.0.0' }))],
    ['index.json', textFile(JSON.stringify(index))],
    ...blobs,
  ]);
  await writeFile(file, tarOf(image, date));
  return file;
}

const OCI = 'application/vnd.oci.image';

/** The files of the image. */
function systemOf({ program, path, notices }: Executable): Files {
  const license = readFileSync(join(root, 'LICENSE'), 'utf8');
  // `libm.so.6 => /lib/.../libm.so.6 (0x...)`, and the loader by its path alone.
  const libraries = [...run('ldd', [path]).matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
  // As Debian has them.
  const licenses = ['libc6', 'libgcc-s1', 'libstdc++6'].map((name) => `/usr/share/doc/${name}/copyright`);
  return new Map([
    [`usr/bin/${program}`, fileOf(path, 0o755)],
    ...libraries.map((library) => [library.slice(1), fileOf(realpathSync(library), 0o755)] as const),
    [`usr/share/doc/${program}/copyright`, textFile(`${license}\n${readFileSync(notices, 'utf8')}`)],
    ...licenses.filter((file) => existsSync(file)).map((file) => [file.slice(1), fileOf(file)] as const),
    ['etc/passwd', textFile('wsproxy:x:1000:1000::/:/usr/sbin/nologin\n')],
    ['etc/group', textFile('wsproxy:x:1000:\n')],
    ['etc/nsswitch.conf', textFile('hosts: files dns\n')],
    // Workers have their sockets there. As everywhere, each user may have files, and remove nobody else's.
    ['tmp/', folderOf(0o1777)],
  ]);
}

/** Puts files on the disk, with their modes, which the builder's umask does not change. */
function layOut(files: Files, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, { body, mode }] of [['', folderOf(0o755)] as const, ...withFolders(files)]) {
    const place = join(folder, path);
    if (path === '' || path.endsWith('/')) mkdirSync(place, { recursive: true });
    else writeFileSync(place, body);
    chmodSync(place, mode);
  }
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
