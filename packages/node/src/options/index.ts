export { calledNow } from './called-now.js';
export {
  aFunction,
  aLogger,
  anObject,
  anyValue,
  aString,
  type Check,
  type Checks,
  checkOptions,
  expects,
  isObject,
  problemOf,
  problemOfNumber,
  thrownBy,
  withDefaults,
} from './check-options.js';
export { didYouMean } from './did-you-mean.js';
export { expectNoMistake, type Mistake, OptionError } from './option-error.js';
export {
  isNumberRule,
  LONGEST_TIME,
  MAX_UNIX_PATH,
  type NumberRule,
  type OptionRule,
  type OptionTable,
} from './option-rule.js';
export { formatSetupLine, parseSetupLine, type Setup } from './setup-line.js';
export { isDigestOfNothing, MAX_TOKEN_LENGTH, problemOfToken } from './token.js';
