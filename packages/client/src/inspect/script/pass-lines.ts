import type { Readable } from 'node:stream';
import type { Clock, Timer } from 'wsproxy-engine';
import { ownText } from '../seen/own-memory.js';

/** Passes on what a script says, line by line. A longer line is cut, and a script that says too much waits, and holds it itself. */
export function passLines(output: Readable, clock: Clock, onLine: (text: string) => void): void {
  let line = '';
  let left = MOST_A_SECOND;
  let timer: Timer | undefined;
  const add = (text: string): void => {
    line += ownText(text, LONGEST - line.length);
  };
  const say = (): void => {
    onLine(line);
    line = '';
  };
  const goOn = (): void => {
    timer = undefined;
    left = MOST_A_SECOND;
    output.resume();
  };
  output
    .setEncoding('utf8')
    .on('data', (text: string) => {
      for (const [n, part] of text.split('\n').entries()) {
        if (n > 0) say();
        add(part);
      }
      left -= text.length;
      if (left > 0 || timer !== undefined) return;
      output.pause();
      timer = clock.setTimer(goOn, 1_000);
    })
    .once('close', () => {
      timer?.cancel();
      if (line !== '') say();
    });
}

/** Characters. */
const LONGEST = 4_096;
const MOST_A_SECOND = 65_536;
