import { once } from 'node:events';
import { setTimeout as later } from 'node:timers/promises';
import { createClient } from '@zkl/client-sdk';
import { Lock } from '@zkl/client-sdk/recipes/lock';
import type { FromWorker } from './messages.js';

/** A worker, a process: it takes the lock, tells so, and writes to the ledger when it is told to. */
const [path = ''] = process.argv.slice(2);
const tell = (message: FromWorker): boolean | undefined => process.send?.(message);

await using client = createClient({ endpoints: (process.env.ZKL_ENDPOINTS ?? '').split(',') });
await using session = await client.session({ timeoutMs: 1_000 });
await using held = await new Lock(session, path).acquire();

tell({ kind: 'holding', token: String(held.token) });
await once(process, 'message');
// Whoever was stopped may hear messages before timers: those that are due run first now.
await later(1);
// A good worker looks at `held.signal` and stops. This one writes whatever it says: the ledger is safe all the same.
tell({ kind: 'write', token: String(held.token), isLost: held.signal.aborted });
await once(process, 'message');
process.disconnect();
