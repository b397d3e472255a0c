import { soaks } from './scenarios/soak.js';
import { testScenarios } from './test-scenarios.js';

testScenarios(soaks);
