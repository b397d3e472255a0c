import { processes } from './scenarios/processes.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(processes);
