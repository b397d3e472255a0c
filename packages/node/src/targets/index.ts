export { type DestinationRule, matchesDestination, parseDestinationRule } from './destination-rule.js';
export { checkRules, type DestinationRules, mistakesInRules } from './destination-rules.js';
export { dialFailure } from './dial-failure.js';
