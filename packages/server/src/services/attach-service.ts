import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AttachRequest, AttachResponse, SessionService } from '@zkl/protocol';
import { rejected } from '../request/failure.js';
import { AttachOutbox } from '../stream/attach-outbox.js';
import { SessionStream, type SessionStreamDependencies } from '../stream/session-stream.js';
import type { StreamHello } from '../stream/stream-attachment.js';
import type { Edge } from './edge.js';
import { zxidFromBigint } from './zxid-codec.js';

/** The stream of SessionService over Connect: what comes in is told to a SessionStream, and what it makes goes out. */
export function attachService(
  edge: Edge,
  dependencies: SessionStreamDependencies,
): Pick<ServiceImpl<typeof SessionService>, 'attach'> {
  return { attach: (requests, context) => attach(edge, dependencies, requests, context) };
}

async function* attach(
  edge: Edge,
  dependencies: SessionStreamDependencies,
  requests: AsyncIterable<AttachRequest>,
  context: HandlerContext,
): AsyncGenerator<AttachResponse> {
  const outbox = new AttachOutbox({
    header: (zxid) => edge.header(zxid),
    leaderId: () => edge.leaderId,
    valueBytesMax: edge.valueBytesMax,
  });
  const stream = new SessionStream(dependencies, outbox);
  const onAbort = (): void => stream.end();
  context.signal.addEventListener('abort', onAbort, { once: true });
  // A request that breaks off is the client's end of the stream.
  readAll(stream, requests).catch(() => stream.end());
  try {
    while (!outbox.done) {
      yield* outbox.take();
      stream.onWritable();
      await outbox.whenFilled();
    }
  } finally {
    context.signal.removeEventListener('abort', onAbort);
    stream.end();
  }
}

async function readAll(stream: SessionStream, requests: AsyncIterable<AttachRequest>): Promise<void> {
  let wake = (): void => undefined;
  stream.onWantsMore = () => wake();
  for await (const request of requests) {
    tellStream(stream, request);
    while (!stream.wantsMore && !stream.ended) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    if (stream.ended) return;
  }
  stream.onInputEnd();
}

/** Tells a stream what a message says. */
export function tellStream(stream: SessionStream, { hello, operations, ping }: AttachRequest): void {
  if (hello !== undefined) stream.onHello(helloOf(hello));
  if (ping > 0n) stream.onPing(Number(ping));
  if (operations.byteLength > 0) stream.onOperations(operations);
  if (hello === undefined && ping === 0n && operations.byteLength === 0) stream.end(rejected('MARSHALLING_ERROR'));
}

function helloOf({ session, attachment, lastSeenZxid, layout }: NonNullable<AttachRequest['hello']>): StreamHello {
  return {
    claim: session === undefined ? undefined : { session: zxidFromBigint(session.sessionId), secret: session.secret },
    attachment: Number(attachment),
    lastSeen: zxidFromBigint(lastSeenZxid),
    layout,
  };
}
