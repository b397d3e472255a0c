import { type ConfigFile, ExitError, type ProgramLogger } from 'wsproxy-cli';
import type { Forward } from './forward.js';
import type { Forwards, ForwardsChange } from './forwards.js';
import type { RemoteForward } from './remote-forward.js';

/**
 * What reads the configuration file again, after `opened`, and changes what can change while the program runs. One reading
 * waits for the one before it, and however often it is asked for meanwhile, once.
 */
export function createReload(context: ReloadContext, opened: Promise<unknown>): () => void {
  // When it fails, the program ends.
  let last = opened.catch(() => new Promise<never>(() => {}));
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    last = last.then(() => {
      isWaiting = false;
      return reload(context);
    });
  };
}

export interface ReloadContext {
  readonly file: ConfigFile;
  readonly forwards: Forwards<Forward>;
  readonly remoteForwards: Forwards<RemoteForward>;
  /** What the program has begun with. */
  readonly flags: ForwardFlags;
  readonly logger: ProgramLogger;
}

/** Those of a range are together. */
export interface ForwardFlags {
  readonly forward?: readonly (readonly Forward[])[];
  readonly remoteForward?: readonly (readonly RemoteForward[])[];
}

const CHANGEABLE: ReadonlySet<string> = new Set<keyof ForwardFlags>(['forward', 'remoteForward']);

async function reload({ file, forwards, remoteForwards, flags, logger }: ReloadContext): Promise<void> {
  try {
    const changes = await file.reread();
    if (changes === undefined) return;
    const now = { ...flags, ...Object.fromEntries(changes.map(({ key, value }) => [key, value])) } as ForwardFlags;
    tellChanges(
      [
        await forwards.change((now.forward ?? []).flat()),
        await remoteForwards.change((now.remoteForward ?? []).flat()),
      ],
      logger,
    );
    const others = changes.filter(({ key }) => !CHANGEABLE.has(key)).map(({ name }) => name);
    if (others.length > 0)
      logger.warn({ settings: others.join(', ') }, 'changed, but counts only from the next start on');
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    logger.error({ mistake: error.message }, 'the configuration file was not read again: nothing changes');
  }
}

function tellChanges(changes: readonly ForwardsChange[], logger: ProgramLogger): void {
  const began = changes.flatMap((change) => change.began);
  const ended = changes.flatMap((change) => change.ended);
  const fields = {
    ...(began.length > 0 && { began: began.join(', ') }),
    ...(ended.length > 0 && { ended: ended.join(', ') }),
  };
  logger.info(fields, 'the configuration file was read again');
  for (const { message } of changes.flatMap(({ failures }) => failures)) {
    logger.error({ reason: message }, 'a forward could not begin');
  }
}
