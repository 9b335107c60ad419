/** What {@link createClient} is told. Every number is validated; what is out of bounds is `BAD_ARGUMENTS`. */
export interface ClientOptions {
  /**
   * Where servers are found, one or more: `host:port`, `[ipv6]:port`, `http://host:port` or `https://host:port`. One that
   * answers is enough: it tells of the others (see `discover`). At most 64.
   */
  readonly endpoints: readonly string[];
  /** The default deadline of a call, in milliseconds: 1 to 3,600,000. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a server that answers nothing at all is waited for before the request is tried elsewhere too, in milliseconds: 10
   * to 3,600,000. It doubles with every such try of one call. Default: 2,000. A write is applied once, however often it is
   * tried. A server that answers other requests is busy, and is waited for until the deadline. When one that should lead shows no sign of life
   * for 600 ms, others are asked who leads; it is left as soon as they name another leader.
   */
  readonly attemptTimeoutMs?: number | undefined;
  /** Talk to this server only, by its id; see {@link Client.connect}. Default: whichever serves best. */
  readonly server?: number | undefined;
  /**
   * Find the members of the cluster, and send requests straight to the leader. Without it only `endpoints` are used, as is
   * right behind a load balancer. Default: true.
   */
  readonly discover?: boolean | undefined;
  /**
   * Local reads never see an older state than this client has seen before, whichever server answers. Default: true.
   */
  readonly monotonicReads?: boolean | undefined;
  /** Writes sent and not answered yet, at most: 1 to 4,096. Default: 1,024. More wait in a queue. */
  readonly writesInFlightMax?: number | undefined;
  /** Writes that wait in the queue, at most: 0 to 1,048,576. Default: 16,384. More reject with `CLIENT_OVERLOADED`. */
  readonly writesQueuedMax?: number | undefined;
  /** Reads sent and not answered yet, at most: 1 to 4,096. Default: 1,024. More wait in a queue. */
  readonly readsInFlightMax?: number | undefined;
  /** Reads that wait in the queue, at most: 0 to 1,048,576. Default: 16,384. More reject with `CLIENT_OVERLOADED`. */
  readonly readsQueuedMax?: number | undefined;
  /** The largest message in either direction, in bytes: 65,536 to 268,435,456. Default: 16 MiB. */
  readonly messageBytesMax?: number | undefined;
  /**
   * Send calls over one stream, in order and many in a message. Without it each call is a request of its own, as browsers make them: for
   * what stands between and cannot pass streams on. Default: true in Node.js; browsers have no such streams.
   */
  readonly stream?: boolean | undefined;
  /**
   * A path that stands before every path of this client, which does not see it: with `/app`, `/a` is `/app/a`. It must exist. The register is
   * not below it. Default: none.
   */
  readonly chroot?: string | undefined;
}
