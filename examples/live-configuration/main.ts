import { createClient, isZklError } from '@zkl/client-sdk';
import { z } from 'zod';
import { openCluster } from './cluster.js';

/** Any validator that follows the Standard Schema will do: nobody writes or reads limits that are none. */
const Limits = z.object({ requestsPerSecond: z.int().positive() });

await using cluster = await openCluster();
await using service = createClient({ endpoints: cluster.endpoints });
await using anna = createClient({ endpoints: cluster.endpoints });
await using ben = createClient({ endpoints: cluster.endpoints });

// Each run has a corner of its own.
const { path: corner } = await anna.create('/live-configuration-', null, { sequential: true });
const path = `${corner}/limits`;
await anna.node(path, Limits).create({ requestsPerSecond: 10 });

/** The service: it begins with the present limits, and takes on every change, in order, without polling. */
const values = service.node(path, Limits).watch();
const first = await values.next();
console.log(`service: it begins with ${first.value?.value?.requestsPerSecond} requests a second`);

/** Takes on what comes, up to this value; `undefined` stands for limits that are gone. */
async function serveUntil(last: number | undefined): Promise<void> {
  for (;;) {
    const requestsPerSecond = (await values.next()).value?.value?.requestsPerSecond;
    if (requestsPerSecond === undefined) console.log('service: the limits are gone, I end');
    else console.log(`service: ${requestsPerSecond} requests a second from now on`);
    if (requestsPerSecond === last) return;
  }
}

/** An operator: what stands there is read, changed, and written only if nobody else wrote meanwhile; else once more. */
async function raise(operator: typeof anna, times: number): Promise<void> {
  const limits = operator.node(path, Limits);
  for (let time = 0; time < times; time += 1) {
    await limits.update(({ requestsPerSecond }) => ({ requestsPerSecond: requestsPerSecond + 1 }));
  }
}

await Promise.all([raise(anna, 3), raise(ben, 3), serveUntil(16)]);

const { value } = await ben.node(path, Limits).get();
console.log(`anna and ben raised it three times each, at the same time: ${value.requestsPerSecond}`);

try {
  await ben.node(path, Limits).set({ requestsPerSecond: -1 });
} catch (error) {
  if (!isZklError(error, 'INVALID_VALUE')) throw error;
  console.log(`refused before it was sent: ${error.code}`);
}

await Promise.all([anna.deleteRecursive(corner), serveUntil(undefined)]);
await values.return?.();
