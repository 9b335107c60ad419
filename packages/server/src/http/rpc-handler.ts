import {
  Code,
  ConnectError,
  createConnectRouter,
  type ConnectRouter,
  type ConnectRouterOptions,
} from '@connectrpc/connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import type { Logger } from '../observability/logger.js';
import { withTypedError } from './framework-errors.js';
import type { HttpRequest, HttpResponse } from './http-types.js';
import { arriving } from './arriving.js';
import type { Intake } from './intake.js';
import { bodyOf, discardRest, endWithAnswer } from './request-body.js';

/** Options of `createRpcHandler`. */
export interface RpcHandlerOptions extends ConnectRouterOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly logger: Logger;
  readonly intake: Intake;
}

/**
 * Serves gRPC, gRPC-Web and Connect. Answers false for a path that is no procedure. As connect-node's own adapter, but: it never throws
 * (a `Host` header that is no host is enough for the other to end the process), it logs to our logger, and errors that Connect itself makes
 * (a message that cannot be decoded, or is too large) carry a typed detail like all others.
 */
export function createRpcHandler({
  routes,
  logger,
  intake,
  ...options
}: RpcHandlerOptions): (request: HttpRequest, response: HttpResponse) => boolean {
  const router = createConnectRouter(options);
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get(request.url?.split('?', 1)[0] ?? '');
    if (handler === undefined) return false;
    serve(handler, request, response, intake).catch((error: unknown) => onFailed(logger, handler, error, response));
    return true;
  };
}

async function serve(
  handler: UniversalHandler,
  request: HttpRequest,
  response: HttpResponse,
  intake: Intake,
): Promise<void> {
  const universal = universalRequestFromNodeRequest(request, response, undefined, undefined);
  const streams = handler.method.methodKind === 'bidi_streaming' || handler.method.methodKind === 'client_streaming';
  universal.body = arriving(bodyOf(request), intake, streams);
  response.once('finish', () => discardRest(request));
  endWithAnswer(request);
  await universalResponseToNodeResponse(await withTypedError(await handler(universal)), response);
}

function onFailed(logger: Logger, handler: UniversalHandler, error: unknown, response: HttpResponse): void {
  // The caller went away while its answer was written: nothing failed here.
  if (response.destroyed || ConnectError.from(error).code === Code.Aborted) return;
  if (!response.headersSent) {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ code: 'invalid_argument', message: 'the request cannot be read' }));
  } else {
    response.destroy();
  }
  logger.warn(
    { event: 'request_failed', method: handler.method.name, service: handler.service.typeName, error },
    'a request failed in transport',
  );
}
