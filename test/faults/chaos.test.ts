import { chaoses } from './scenarios/chaos.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(chaoses);
