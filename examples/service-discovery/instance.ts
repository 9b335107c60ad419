import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '@zkl/client-sdk';
import { PersistentEphemeral } from '@zkl/client-sdk/recipes/persistent-ephemeral';

/** One instance of the service, a process: it serves, and stands in the list for as long as it lives. */
const [corner = '', name = ''] = process.argv.slice(2);
const http = createServer((_, response) => response.end(`hello from ${name}\n`));
await once(http.listen(0, '127.0.0.1'), 'listening');
const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

await using client = createClient({ endpoints: (process.env.ZKL_ENDPOINTS ?? '').split(',') });
// With a session of one second, so that a dead instance is soon gone; `ServiceDirectory.announce` is the same with ten.
await using entry = new PersistentEphemeral(client, `${corner}/web/${name}`, JSON.stringify({ url }), 1_000);
await entry.ready;

// Leaving this program in good order takes the entry away at once, not only at the timeout.
await once(process, 'SIGTERM');
http.close();
