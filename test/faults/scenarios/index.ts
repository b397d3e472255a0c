import type { Scenario } from '../scenario.js';
import { kills } from './kills.js';

/** In the order in which they are run and reported. */
export const scenarios: readonly Scenario[] = [...kills];
