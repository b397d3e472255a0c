/** The events in a stream of them (HTML standard, section 9.2.6), the first ones; an event that was cut off is left out. */
export function readEvents(stream: string): readonly ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  let data: string[] = [];
  let event: string | undefined;
  let id: string | undefined;
  for (const line of linesOf(stream)) {
    if (events.length === MOST_EVENTS) break;
    if (line === '') {
      if (data.length > 0) {
        events.push({ event: event ?? 'message', data: data.join('\n'), ...(id !== undefined && { id }) });
      }
      data = [];
      event = undefined;
      continue;
    }
    const [field, value] = fieldOf(line);
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value === '' ? undefined : value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
  return events;
}

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  /** The last id that was told, by this event or one before it. */
  readonly id?: string;
}

const MOST_EVENTS = 10_000;

function* linesOf(stream: string): Generator<string> {
  const text = stream.startsWith('\ufeff') ? stream.slice(1) : stream;
  const ends = /\r\n|\n|\r/g;
  let begin = 0;
  for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
    yield text.slice(begin, end.index);
    begin = ends.lastIndex;
  }
}

function fieldOf(line: string): readonly [field: string, value: string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}
