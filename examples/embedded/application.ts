import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Client, createClient, isZklError, textCodec } from '@zkl/client-sdk';
import { createServer } from '@zkl/server';

/** A running application. Disposing of it stops the HTTP server, the client and the node, in this order. */
export interface Application extends AsyncDisposable {
  readonly url: string;
}

/**
 * An HTTP application that keeps notes: `PUT /name` and `GET /name`. It keeps them in a node of zkl that runs in the same process. Given
 * `members`, several such applications would be one cluster.
 */
export async function startApplication(dataFolder: string): Promise<Application> {
  const node = await createServer({ dataFolder, port: 0, logger: false });
  await node.ready;
  const client = createClient({ endpoints: [`127.0.0.1:${node.address.port}`] });

  const http = createHttpServer((request, response) => {
    void answer(client, request).then(([status, body]) => response.writeHead(status).end(`${body}\n`));
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      http.close();
      http.closeAllConnections();
      await client.close();
      await node[Symbol.asyncDispose]();
    },
  };
}

async function answer(client: Client, request: IncomingMessage): Promise<[status: number, body: string]> {
  const path = request.url ?? '/';
  try {
    if (request.method === 'GET') return [200, (await client.get(path)).text()];
    if (request.method !== 'PUT') return [405, 'GET or PUT'];
    const body = await text(request);
    const { stat } = await client.node(path, textCodec).update(() => body, { create: true });
    return [200, `version ${stat.version}`];
  } catch (error) {
    if (isZklError(error, 'NO_NODE')) return [404, 'there is no such note'];
    if (isZklError(error, 'BAD_ARGUMENTS')) return [400, error.message];
    return [503, isZklError(error) ? error.message : 'something broke'];
  }
}
