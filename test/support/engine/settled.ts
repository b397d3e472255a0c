/** Resolves once promises have settled that need nothing but each other: none here is more than so many steps long. */
export async function settled(): Promise<void> {
  for (let step = 0; step < 20; step++) await Promise.resolve();
}
