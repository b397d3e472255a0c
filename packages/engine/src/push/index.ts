export {
  decodeBeginning,
  decodeNumber,
  encodeBeginning,
  encodeNumber,
  NUMBER,
  serviceOf,
} from './beginning.js';
export { type PushChannel, type PushPosition, PushReceiver, type ReceiveOptions } from './push-receiver.js';
export { MAX_MESSAGE, RecordReader, recordHead } from './records.js';
