/** A number of runs that a longer test than the usual one sets in the environment, such as `SEEDS=100000`. */
export function effort(name: string, usual: number): number {
  const value = process.env[name];
  return value === undefined ? usual : Number(value);
}
