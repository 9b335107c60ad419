import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import { handleCors } from './cors.js';
import type { HttpRequest, HttpResponse } from './http-types.js';
import { createRpcHandler, type RpcHandlerOptions } from './rpc-handler.js';

/** Options of `createHttpHandler`. */
export interface HttpHandlerOptions extends Pick<RpcHandlerOptions, 'routes' | 'logger' | 'intake'> {
  readonly valueBytesMax: number;
  readonly corsAllowedOrigins: readonly string[];
  /** Answers GET /metrics; undefined when metrics are switched off. */
  readonly metrics: (() => Promise<{ readonly contentType: string; readonly text: string }>) | undefined;
}

/** Room for what a message holds beside one value: path, ids, stat, names of fields. */
const MESSAGE_OVERHEAD_BYTES = 64 * 1024;

/** A page of children is at most a megabyte and one more child, as base64 in JSON a third more; and names may be many. */
const PAGE_OVERHEAD_BYTES = 8 * 1024 * 1024;

/** Bytes of the largest message that is taken: a value as base64, for JSON, and room for the rest. */
export function messageBytesMax(valueBytesMax: number): number {
  return Math.ceil((valueBytesMax * 4) / 3) + MESSAGE_OVERHEAD_BYTES;
}

/** Everything that speaks HTTP on the one port: the services, and what monitoring asks for. */
export function createHttpHandler(options: HttpHandlerOptions): (request: HttpRequest, response: HttpResponse) => void {
  const base64Bytes = Math.ceil((options.valueBytesMax * 4) / 3);
  const rpc = createRpcHandler({
    routes: options.routes,
    logger: options.logger,
    intake: options.intake,
    readMaxBytes: messageBytesMax(options.valueBytesMax),
    writeMaxBytes: base64Bytes + PAGE_OVERHEAD_BYTES,
    acceptCompression: [compressionGzip, compressionBrotli],
    // Requests may be compressed; answers never are: it costs more than the network of a cluster does.
    compressMinBytes: 0xffff_ffff,
    jsonOptions: { ignoreUnknownFields: false },
  });
  return (request, response) => {
    response.on('error', () => undefined);
    if (handleCors(options.corsAllowedOrigins, request, response) === 'done') return;
    if (rpc(request, response)) return;
    if (request.url === '/metrics' && options.metrics !== undefined)
      void answerMetrics(options.metrics, request, response);
    else notFound(response);
  };
}

async function answerMetrics(
  metrics: NonNullable<HttpHandlerOptions['metrics']>,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  if (request.method !== 'GET') {
    response.writeHead(405, { allow: 'GET' });
    response.end();
    return;
  }
  try {
    const { contentType, text } = await metrics();
    response.writeHead(200, { 'content-type': contentType });
    response.end(text);
  } catch {
    response.writeHead(500);
    response.end();
  }
}

function notFound(response: HttpResponse): void {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({
      code: 'unimplemented',
      message: 'there is no such procedure; gRPC reflection lists those there are',
    }),
  );
}
