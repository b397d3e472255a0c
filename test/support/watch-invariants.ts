// Vitest runs this before every file of tests: what can never be otherwise is an error there.
import { watchInvariants } from 'wsproxy-engine/testing';

watchInvariants();
