#!/usr/bin/env node
import { takeShortWay } from '../dist/cli/short-way.js';

if (!(await takeShortWay(process))) await import('../dist/cli/cli.js');
