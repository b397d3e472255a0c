import type { Clock } from 'wsproxy-engine';
import type { Detail } from '../../page/sightings.js';
import { describe } from '../inspect/seen/describe.js';
import type { Exchanges } from '../inspect/seen/exchanges.js';
import type { Mask } from '../inspect/seen/mask.js';
import { seenOf } from '../inspect/seen/seen.js';

/**
 * The numbers of the exchanges that have a text in what is shown of them: headers, bodies, events or messages. The newest are looked
 * at first, and no more than there is time for; not one more when `isWanted` says so.
 */
export async function search({ exchanges, mask, text, clock, isWanted }: Search): Promise<Found> {
  const wanted = text.toLowerCase();
  const ids: number[] = [];
  const end = clock.now() + PATIENCE;
  for (const exchange of [...exchanges.all()].reverse()) {
    if (clock.now() > end || !isWanted()) return { ids, isWhole: false };
    if (exchange.isGone) continue;
    if (textsOf(await describe(seenOf(exchange), mask)).some((one) => one.toLowerCase().includes(wanted))) {
      ids.push(exchange.id);
    }
  }
  return { ids, isWhole: true };
}

export interface Search {
  readonly exchanges: Exchanges;
  readonly mask: Mask;
  readonly text: string;
  readonly clock: Clock;
  readonly isWanted: () => boolean;
}

interface Found {
  readonly ids: readonly number[];
  /** Whether all were looked at. */
  readonly isWhole: boolean;
}

/** Ms: bodies have to be decoded for it. */
const PATIENCE = 5_000;

function textsOf(detail: Detail): readonly string[] {
  const { url, requestHeaders, responseHeaders, requestTrailers, responseTrailers, requestBody, responseBody } = detail;
  return [
    url,
    ...[...requestHeaders, ...requestTrailers, ...responseHeaders, ...responseTrailers].map((pair) => pair.join(': ')),
    requestBody.text ?? '',
    responseBody.text ?? '',
    ...(detail.messages ?? []).map((message) => message.text ?? ''),
  ];
}
