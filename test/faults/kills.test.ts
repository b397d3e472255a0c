import { kills } from './scenarios/kills.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(kills);
