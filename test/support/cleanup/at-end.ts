type Close = () => unknown;

const closers: Close[] = [];

/** Registers what ends a resource of the running test. Called after the test, whether it failed or not, last one first. */
export function atEnd(close: Close): void {
  closers.push(close);
}

/** Ends every registered resource, also when one of them cannot be ended; then rejects with the first error. */
export async function endAll(): Promise<void> {
  const errors: unknown[] = [];
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) {
    try {
      await close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
