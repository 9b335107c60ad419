import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { ResponseHeader } from '@zkl/protocol';
import type { UnaryMethod } from '../channel/channel.js';
import type { Route } from '../routing/router.js';
import type { ClusterView } from '../routing/router.js';

/** A reply that could be decoded, and makes no sense. The caller meets it as `PROTOCOL`. */
export class GarbledReply extends Error {}

/** What a reply says beside its result. */
export interface ReplyView extends ClusterView {
  /** Absent in replies that have no header. */
  readonly zxid?: bigint;
}

/** One request of the surface, as routing and retries need to know it. */
export interface Operation<I extends DescMessage, O extends DescMessage, T> {
  readonly kind: 'read' | 'write';
  readonly route: Route;
  readonly method: UnaryMethod<I, O>;
  /** For errors. */
  readonly path: string | undefined;
  /** Makes the request of an attempt. */
  readonly request: () => MessageShape<I>;
  /** What the reply says of the cluster. @throws {@link GarbledReply} */
  readonly view: (reply: MessageShape<O>) => ReplyView;
  /** The result for the caller. @throws {@link GarbledReply} */
  readonly result: (reply: MessageShape<O>, address: string) => T;
  /**
   * May repair what the server refused, and have the same request sent again. Called when no earlier attempt may have been
   * applied. Default: nothing is repaired.
   */
  readonly repair?: ((code: string) => boolean) | undefined;
}

/** The header that stands in every reply but those of ClusterService. */
export function requireHeader(header: ResponseHeader | undefined): ResponseHeader {
  if (header === undefined) throw new GarbledReply('The reply has no header');
  return header;
}
