import { herds } from './scenarios/herd.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(herds);
