import { connect } from 'node:net';
import { until } from '../until.js';
import type { Program } from './program.js';

/** Resolves once a program that says nothing about it takes connections at this port of 127.0.0.1, or at this Unix socket. */
export async function untilAnswers(program: Program, place: number | string): Promise<void> {
  await until(`${program.child.spawnfile} listens`, () => {
    if (program.child.exitCode !== null) throw new Error(`it has ended: ${program.stdout}${program.stderr}`);
    return answers(place);
  });
}

/** Whether somebody takes connections there. */
function answers(place: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof place === 'number' ? connect(place, '127.0.0.1') : connect(place);
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => {});
    socket.once('close', (hadError) => resolve(!hadError));
  });
}
