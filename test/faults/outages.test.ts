import { outages } from './scenarios/outages.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(outages);
