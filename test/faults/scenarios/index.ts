import type { Scenario } from '../scenario.js';
import { kills } from './kills.js';
import { outages } from './outages.js';
import { processes } from './processes.js';

/** In the order in which they are run and reported. */
export const scenarios: readonly Scenario[] = [...kills, ...outages, ...processes];
