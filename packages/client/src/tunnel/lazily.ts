/** Gives what `load` brings, from then on at once. Where that has failed, the next one who asks may fare better. */
export function lazily<T>(load: () => Promise<T>): () => T | Promise<T> {
  let loaded: T | Promise<T> | undefined;
  return () => {
    loaded ??= load().then(
      (value) => (loaded = value),
      (error: unknown) => {
        loaded = undefined;
        throw error;
      },
    );
    return loaded;
  };
}
