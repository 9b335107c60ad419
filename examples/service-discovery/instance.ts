import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '@zkl/client-sdk';

/** One instance of the service, a process: it serves, and stands in the list for as long as it lives. */
const [corner = '', name = ''] = process.argv.slice(2);
const http = createServer((_, response) => response.end(`hello from ${name}\n`));
await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
const address = `127.0.0.1:${(http.address() as AddressInfo).port}`;

const client = createClient({ endpoints: (process.env.ZKL_ENDPOINTS ?? '').split(',') });
const session = await client.session({ timeoutMs: 1_000 });
await session.create(`${corner}/${name}`, address, { mode: 'ephemeral' });

process.once('SIGTERM', () => {
  http.close();
  // Its entry goes at once, not only at the timeout.
  void session.close().then(() => client.close());
});
