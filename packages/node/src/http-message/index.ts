export { endToEnd, type Field, fieldsOf, formatHead, listOf, valuesOf } from './fields.js';
