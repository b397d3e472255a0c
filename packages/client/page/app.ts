import { Chart } from './chart.js';
import { enableCopying } from './copying.js';
import { Look } from './look.js';
import type { News } from './news.js';
import { View } from './view.js';

const look = new Look();
const view = new View(look);
const chart = new Chart(look);
enableCopying();

// It connects again by itself.
const events = new EventSource('events');
events.addEventListener('message', ({ data }) => {
  look.apply(JSON.parse(data as string) as News);
  view.show();
  chart.draw();
});
events.addEventListener('error', () => view.showAway());
