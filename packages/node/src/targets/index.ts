export {
  type AddressRange,
  type DestinationRule,
  matchesDestination,
  parseDestinationRule,
} from './destination-rule.js';
export { dialFailure } from './dial-failure.js';
