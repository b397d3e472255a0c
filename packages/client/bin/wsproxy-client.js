#!/usr/bin/env node
import { takeShortWay } from '../dist/cli/short-way.js';

void takeShortWay(process).then((isTaken) => isTaken || import('../dist/cli/cli.js'));
