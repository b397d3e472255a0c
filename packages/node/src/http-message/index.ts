export { createBodyReader } from './body.js';
export type { BodyReader } from './body-reader.js';
export { endToEnd, type Field, FRAMING, fieldsIn, fieldsOf, formatHead, listOf, rawOf, valuesOf } from './fields.js';
export { hasNoBody } from './frame-response.js';
export { RequestHeadReader } from './request-head.js';
export { isInterim, ResponseHeadReader } from './response-head.js';
