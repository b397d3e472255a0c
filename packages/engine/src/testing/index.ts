export { FakeClock } from './fake-clock.js';
export { MemoryTransport } from './memory-transport.js';
