import { ConnectError, type Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { ErrorDetailSchema, type ErrorDetail } from '@zkl/protocol';
import type { Cleanup } from './support.js';

/** A gRPC transport on a connection of its own, closed with the test. */
export function connectTo(cleanup: Cleanup, url: string): Transport {
  const sessionManager = new Http2SessionManager(url);
  cleanup.add(() => sessionManager.abort());
  return createGrpcTransport({ baseUrl: url, sessionManager });
}

/** The typed detail of the error that a call ends with. */
export async function detailOf(call: Promise<unknown>): Promise<ErrorDetail> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => ConnectError.from(reason),
  );
  const [detail] = error?.findDetails(ErrorDetailSchema) ?? [];
  if (detail === undefined) throw new Error(`no typed detail: ${error?.message ?? 'it did not fail'}`);
  return detail;
}
