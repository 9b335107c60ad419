import { rmSync } from 'node:fs';
import { createClient } from '@zkl/client-sdk';
import { createServer } from '@zkl/server';

const server = await createServer({ dataFolder: 'data-esm', port: 0, logger: false });
const client = createClient({ endpoints: [`127.0.0.1:${server.address.port}`] });
try {
  await server.ready;
  await client.create('/app', 'from an ES module');
  const { data } = await client.get('/app');
  if (new TextDecoder().decode(data) !== 'from an ES module') throw new Error('read something else');
} finally {
  await client.close();
  await server.stop();
  rmSync('data-esm', { recursive: true });
}
