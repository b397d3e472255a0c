import { logs } from './scenarios/logs.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(logs);
