export {
  type Beginning,
  decodeBeginning,
  decodeNumber,
  encodeBeginning,
  encodeNumber,
  NUMBER,
  serviceOf,
} from './beginning.js';
export { MAX_MESSAGE, RecordReader, recordHead } from './records.js';
