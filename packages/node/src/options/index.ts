export { LONGEST_TIME } from './longest-time.js';
export { expectNoMistake, type Mistake, OptionError } from './option-error.js';
