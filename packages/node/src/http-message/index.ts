export { createBodyReader } from './body.js';
export type { BodyReader } from './body-reader.js';
export { endToEnd, type Field, fieldsOf, formatHead, listOf, valuesOf } from './fields.js';
export { RequestHeadReader } from './request-head.js';
export { isInterim, ResponseHeadReader } from './response-head.js';
