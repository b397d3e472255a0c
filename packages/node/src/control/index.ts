export { RecordStream } from './record-stream.js';
export { RecordType } from './records.js';
