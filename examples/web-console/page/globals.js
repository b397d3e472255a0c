// What libraries made for Node expect to be there.
export { Buffer } from 'buffer';
export const process = { env: {} };
