import { realpathSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import { respondTo } from 'wsproxy-node/internals';
import { OptionError } from 'wsproxy-node/options';
import { type Arrival, loadHttp2 } from 'wsproxy-node/transports';
import { refuse } from './refusal.js';
import { pathOf } from './request-head.js';

/** Answers with a file; resolves with false, and has sent nothing, when the path names none. */
export type Decoy = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<boolean>;

/**
 * Serves the files of a folder: no listings, nothing whose name begins with a dot, nothing outside, no matter what links
 * there are.
 * @throws OptionError when it is no folder
 */
export function createDecoy(folder: string): Decoy {
  const root = folderAt(folder);
  return async (request, response, path) => {
    const file = await fileOf(root, path);
    if (file === undefined) return false;
    // Not at the start: it takes its time to load, and most servers have no decoy.
    const { default: send } = await import('send');
    return new Promise((resolve) => {
      const missing = (): void => {
        if (response.headersSent) response.destroy();
        else for (const name of response.getHeaderNames()) response.removeHeader(name);
        resolve(false);
      };
      send(request, file, { root, dotfiles: 'ignore', index: false })
        .on('error', missing)
        .on('directory', missing)
        .on('stream', () => resolve(true))
        .pipe(response);
      response.once('close', () => resolve(true));
    });
  };
}

/**
 * Shows a stranger what the path names: the same for every path and every cause, so that nobody learns of one. A server of
 * files takes no notice of the wish to upgrade.
 */
export async function showDecoy(decoy: Decoy, arrival: Arrival, onError: (error: unknown) => void): Promise<void> {
  const { request } = arrival;
  const response = responseTo(arrival);
  if (response === undefined) return refuse(arrival, 404);
  const answer = 'stream' in arrival ? arrival : { request, response };
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (!isReading) return refuse(answer, 405);
  try {
    if (!(await decoy(request, response, pathOf(request))) && !response.headersSent) refuse(answer, 404);
  } catch (error) {
    onError(error);
    response.destroy();
  }
}

function responseTo(arrival: Arrival): ServerResponse | undefined {
  if ('stream' in arrival) {
    const { Http2ServerResponse } = loadHttp2();
    // What serves files sees no difference.
    return new Http2ServerResponse(arrival.stream) as unknown as ServerResponse;
  }
  const response = 'response' in arrival ? arrival.response : respondTo(arrival.request);
  if (response !== undefined) response.shouldKeepAlive = false;
  return response;
}

function folderAt(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return realpathSync(path);
  throw new OptionError('decoy', `no such folder: ${path}`);
}

/** The path of the file below `root`, links resolved, as `send` takes it. */
async function fileOf(root: string, path: string): Promise<string | undefined> {
  const name = decode(path.endsWith('/') ? `${path}index.html` : path);
  if (name === undefined || !name.startsWith('/') || /[/\\]\.|\0/.test(name)) return undefined;
  try {
    const file = relative(root, await realpath(join(root, name)));
    if (file === '..' || file.startsWith(`..${sep}`)) return undefined;
    return file.split(sep).map(encodeURIComponent).join('/');
  } catch {
    return undefined;
  }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
