/** Resolves when nothing is left to wait for, or after `time` ms: a session that is lost leaves the others to wait for. */
export async function drained(time: number, whenIdle: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, time);
  });
  await Promise.race([whenDone(whenIdle), late]);
  clearTimeout(timer);
}

async function whenDone(whenIdle: () => Promise<void>): Promise<void> {
  const isDone = (): Promise<boolean> =>
    whenIdle().then(
      () => true,
      () => false,
    );
  while (!(await isDone()));
}
