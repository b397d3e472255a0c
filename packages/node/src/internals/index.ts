export {
  changeRequests,
  isBrokenUpgrade,
  keepDraining,
  respondTo,
  socketBelow,
  tlsAlertOf,
  unblock,
} from './undocumented.js';
