export { canonicalAddress } from './address-class.js';
export { type DestinationRule, matchesDestination, type Protocol, parseDestinationRule } from './destination-rule.js';
export { checkRules, type DestinationRules, mistakesInRules } from './destination-rules.js';
export { dialFailure } from './dial-failure.js';
export { peerOf } from './peer-of.js';
export { hasPort, type PortRange, parsePortRanges } from './port-ranges.js';
