/**
 * Takes the first line from what a socket says, if it is a number. Anything else stays, to be read as if this had not looked.
 *
 * @param {import('node:net').Socket} socket
 * @returns {Promise<number | undefined>}
 */
export function takeNumber(socket) {
  return new Promise((resolve) => {
    let head = Buffer.alloc(0);
    const look = (piece) => {
      head = Buffer.concat([head, piece]);
      const text = head.toString('latin1');
      if (/^\d*\r?$/.test(text)) return;
      const [line = '', number] = /^(\d+)\r?\n/.exec(text) ?? [];
      socket.off('data', look).off('close', giveUp).pause();
      socket.unshift(head.subarray(line.length));
      resolve(number === undefined ? undefined : Number(number));
    };
    const giveUp = () => resolve(undefined);
    socket.on('data', look).once('close', giveUp);
  });
}
