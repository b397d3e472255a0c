import { Chart } from './chart.js';
import { enableCopying } from './copying.js';
import { Rates } from './rates.js';
import type { Snapshot } from './snapshot.js';
import { find, View } from './view.js';

const view = new View();
const rates = new Rates();
const chart = new Chart(find('chart'), rates);
enableCopying();

// It connects again by itself.
const events = new EventSource('events');
events.addEventListener('message', ({ data }) => {
  const snapshot = JSON.parse(data as string) as Snapshot;
  rates.add(snapshot);
  view.show(snapshot, rates);
  chart.draw();
});
events.addEventListener('error', () => {
  view.showState('away');
  rates.interrupt();
  chart.draw();
});
