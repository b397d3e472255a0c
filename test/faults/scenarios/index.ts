import type { Scenario } from '../scenario.js';
import { byTests } from './by-tests.js';
import { chaoses } from './chaos.js';
import { guesses } from './guesses.js';
import { herds } from './herd.js';
import { kills } from './kills.js';
import { load } from './load.js';
import { logs } from './logs.js';
import { outages } from './outages.js';
import { processes } from './processes.js';
import { roam } from './roam.js';
import { soaks } from './soak.js';
import { wan } from './wan.js';

/** In the order in which they are run and reported. */
export const scenarios: readonly Scenario[] = [
  ...kills,
  ...outages,
  ...processes,
  ...chaoses,
  ...load,
  ...logs,
  ...herds,
  ...guesses,
  ...byTests,
  ...wan,
  ...roam,
  ...soaks,
];
