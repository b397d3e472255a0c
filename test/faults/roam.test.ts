import { roam } from './scenarios/roam.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(roam);
