import { InvalidArgumentError } from 'commander';

/** Reads the name of a host, which no address and no port may stand for: those are known without being told. */
export function parseHostName(text: string): string {
  if (text.length <= 253 && /^([\w-]+\.)*[\w-]*[a-z_-][\w-]*$/i.test(text)) return text;
  throw new InvalidArgumentError('expected the name of a host, without a port');
}
