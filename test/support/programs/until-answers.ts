import { connect } from 'node:net';
import { until } from '../until.js';
import type { Program } from './program.js';

/** Resolves once a program that says nothing about it takes connections at this port of 127.0.0.1. */
export async function untilAnswers(program: Program, port: number): Promise<void> {
  await until(`${program.child.spawnfile} listens`, () => {
    if (program.child.exitCode !== null) throw new Error(`it has ended: ${program.stdout}${program.stderr}`);
    return answers(port);
  });
}

/** Whether somebody takes connections at this port of 127.0.0.1. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => {});
    socket.once('close', (hadError) => resolve(!hadError));
  });
}
