import type { WorldClient } from '../world-client.js';
import { makeCall } from './call.js';
import { mirrorHand } from './mirror-hand.js';
import { sessionHand } from './session-hand.js';
import { watchHand } from './watch-hand.js';
import { callsHand, prepare, sequentialPlan } from './calls-hand.js';

/** What the program of a client does, all at the same time. */
export function startHands(client: WorldClient): void {
  const { settings } = client.around;
  client.hand('begin', async () => {
    await prepare(client);
    for (let n = 1; n <= settings.hands; n++)
      client.hand(`calls ${n}`, () => callsHand(client, client.client, 'client'));
    client.hand('sessions', () => sessionHand(client));
    if (settings.mirrors) client.hand('mirror', () => mirrorHand(client));
    // They go on for as long as the client lives: in the end they must have caught up.
    for (let n = 1; n <= settings.watches; n++)
      client.background(`watch ${n}`, () => watchHand(client, client.client, 'client'));
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
