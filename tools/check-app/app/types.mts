import { createClient, isZklError, type Client } from '@zkl/client-sdk';
import { createServer, type ZklServer } from '@zkl/server';

export async function use(): Promise<bigint> {
  const server: ZklServer = await createServer({ port: 0, logger: false });
  const client: Client = createClient({ endpoints: [`127.0.0.1:${server.address.port}`] });
  try {
    const { zxid, path } = await client.create('/a', 'x');
    path satisfies string;
    // @ts-expect-error a version is a number
    await client.set('/a', 'y', { version: 'one' });
    return zxid;
  } catch (error) {
    if (isZklError(error)) error.code satisfies string;
    throw error;
  }
}
