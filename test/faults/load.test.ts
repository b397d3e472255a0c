import { load } from './scenarios/load.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(load);
