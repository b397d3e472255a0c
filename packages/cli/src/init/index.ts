export { agreeOnFiles } from './agree-on-files.js';
export { type Asker, askAtTerminal } from './ask.js';
export { checkGiven } from './check-given.js';
export { givenSettings, type Settings, settingLine, withSettings } from './given-settings.js';
export { type ProgramCommand, programCommand } from './program-command.js';
export { shellWords } from './shell-words.js';
export { unitText } from './unit-text.js';
export { describeFiles, type PlannedFile, writeFiles } from './write-files.js';
