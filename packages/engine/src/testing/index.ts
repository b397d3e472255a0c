export { watchInvariants } from '../invariant.js';
export { FakeClock } from './fake-clock.js';
