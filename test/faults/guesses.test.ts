import { guesses } from './scenarios/guesses.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(guesses);
