import { wan } from './scenarios/wan.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(wan);
