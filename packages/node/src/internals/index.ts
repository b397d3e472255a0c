export {
  changeRequests,
  descriptorOf,
  isBrokenUpgrade,
  keepDraining,
  respondTo,
  socketBelow,
  tlsAlertOf,
  unblock,
} from './undocumented.js';
