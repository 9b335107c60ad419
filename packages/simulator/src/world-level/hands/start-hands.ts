import type { WorldClient } from '../world-client.js';
import { makeCall } from './call.js';
import { callsHand, prepare, sequentialPlan } from './calls-hand.js';

/** What the program of a client does, all at the same time. */
export function startHands(client: WorldClient): void {
  const { settings } = client.around;
  client.hand('begin', async () => {
    await prepare(client);
    for (let n = 1; n <= settings.hands; n++) client.hand(`calls ${n}`, () => callsHand(client, client.client, 'client'));
  });
}

/** What every client does when all faults have ended: it must be served. */
export function lastCalls(client: WorldClient): void {
  client.hand('the last calls', async () => {
    for (let made = 0; made < 10; made++) {
      if (await makeCall(client, sequentialPlan({ client, calls: client.client, lane: 'client', path: '' }))) return;
    }
    client.around.violate('liveness', `${client.name} is not served after all faults have ended`);
  });
}
