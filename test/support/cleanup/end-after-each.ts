import { afterEach } from 'vitest';
import { endAll } from './at-end.js';

// Set up for the tests of packages: what they have registered ends with the test.
afterEach(endAll);
