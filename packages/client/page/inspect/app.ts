import { find, setText } from '../dom.js';
import type { Sightings } from '../sightings.js';
import { Detail } from './detail.js';
import { List } from './list.js';
import { Look } from './look.js';

const look = new Look();
const detail = new Detail();
const list = new List(look, choose);

function choose(id: number | undefined): void {
  list.choose(id);
  detail.open(id);
}

find('close-detail').addEventListener('click', () => choose(undefined));

find('pause').addEventListener('click', () => {
  look.isPaused = !look.isPaused;
  find('pause').setAttribute('aria-pressed', String(look.isPaused));
  setText(find('pause'), look.isPaused ? 'Go on' : 'Pause');
  list.show();
  detail.refresh();
});

find('clear').addEventListener('click', () => {
  if (look.isPaused) find('pause').click();
  choose(undefined);
  void fetch('clear', { method: 'POST' });
});

find('try-again').addEventListener('click', () => void fetch('try-again', { method: 'POST' }));

// It connects again by itself.
const events = new EventSource('events');
events.addEventListener('open', () => {
  find('state').dataset['state'] = 'online';
  setText(find('state'), 'Inspected traffic');
});
events.addEventListener('message', ({ data }) => {
  const news = JSON.parse(data as string) as Sightings;
  look.apply(news);
  if (look.isPaused) return;
  list.show();
  detail.refreshIf(news.exchanges);
});
events.addEventListener('error', () => {
  find('state').dataset['state'] = 'away';
  setText(find('state'), 'wsproxy-client does not answer');
});
