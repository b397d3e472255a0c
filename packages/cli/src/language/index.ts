export { displayWidth, padColumns, wrapColumns } from './display-width.js';
export { LANGUAGES, type Language, languageOf, say, sayLines, speak } from './language.js';
