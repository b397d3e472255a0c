export { isMap, isScalar, isSeq } from 'yaml';
export { booleanOf, hasPlace, type LineMistake, sourceOf, YamlText } from './yaml-text.js';
