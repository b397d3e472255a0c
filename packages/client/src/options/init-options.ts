import type { OptionRule } from 'wsproxy-node/options';

/** Those that the command `init` has beside the client's. */
export const INIT_OPTIONS: Readonly<Record<'force', OptionRule>> = {
  force: {
    flags: '--force',
    unit: 'switch',
    default: false,
    library: false,
    text: 'replace files that say something else, and keep each as FILE.old',
  },
};
