export { endToEnd, type Field, fieldsOf, formatHead, listOf, valuesOf } from './fields.js';
export { ResponseHeadReader } from './response-head.js';
