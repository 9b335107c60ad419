import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { ConnectionCaps } from './connection-caps.js';
import { Http2Guard } from './http2-guard.js';
import { portErrorOf } from './port-error.js';
import { resolvePortLimits, type PortLimits, type ResolvedPortLimits } from './port-limits.js';
import { sniffProtocol, type SniffedProtocol } from './protocol-sniffer.js';

/** Why a connection was closed before anything was served on it. */
export type ConnectionRefusal =
  'unknown-protocol' | 'sniff-timeout' | 'too-many-connections' | 'too-many-from-address' | 'closing';

/** Options of `listenOnePort`. */
export interface OnePortOptions {
  /** A name or address of this machine. */
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
  /** See `PORT_LIMITS` for defaults and bounds. */
  readonly limits: PortLimits;
  /** Listens on something else than TCP: in tests that need no ports. Connections come paused or not, as node:net's do. Default: node:net. */
  readonly listen?: ((onConnection: (socket: Socket) => void) => Promise<OtherListener>) | undefined;
  /** A request over HTTP/1.1 or HTTP/2. */
  readonly onHttp: (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ) => void;
  /** Sees every HTTP/2 request first. Answers false, and has not touched it, for what `onHttp` is to serve. Default: takes none. */
  readonly onHttp2Stream?: ((stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean) | undefined;
  /** A connection that began with the peer magic. `head` is what was read so far, the magic included; the socket is paused. */
  readonly onPeer: (socket: Socket, head: Buffer) => void;
  /** What serves clients that speak frames (see docs/direct-connections.md); made when the limits are known. Default: such connections are closed. */
  readonly direct?: ((limits: ResolvedPortLimits) => DirectService) | undefined;
  /** A connection was closed unserved: for counters and logs. */
  readonly onRefused?: ((reason: ConnectionRefusal, remoteAddress: string) => void) | undefined;
}

/** What serves connections that began with the magic of direct ones. */
export interface DirectService {
  /** `head` is what was read so far, the magic included; the socket is paused. */
  accept(socket: Socket, head: Buffer): void;
  /** No connection takes new calls; each ends when those under way have. */
  closeAll(): void;
  /** Stops what it does by itself. */
  stop(): void;
}

/** What listens in place of a TCP port. */
export interface OtherListener {
  readonly address: { readonly host: string; readonly port: number };
  /** Accepts no more. What was accepted stays. */
  close(): void;
}

/** A listening port. */
export interface OnePort {
  /** Where it listens; the port is the real one when 0 was asked for. */
  readonly address: { readonly host: string; readonly port: number };
  /** Connections that are open now, of every kind. */
  readonly connections: number;
  /**
   * Stops accepting, tells HTTP clients (GOAWAY, `connection: close`), waits up to `graceMs` for requests under way, then destroys what is left,
   * connections of peers included. Resolves when every socket is closed. May be called again; the first call's grace counts.
   */
  close(options: { readonly graceMs: number }): Promise<void>;
}

/**
 * Opens one plain-text port for HTTP/1.1, HTTP/2 (with prior knowledge), direct connections and peers, told apart by their first bytes; whatever speaks anything else is
 * closed. Rejects with a `PortError`, or an `OptionRangeError` for a limit out of its range.
 */
export async function listenOnePort(options: OnePortOptions): Promise<OnePort> {
  const port = new ListeningPort(options, resolvePortLimits(options.limits));
  await port.listen();
  return port;
}

type StreamListener = (
  this: Http2Server,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  ...rest: unknown[]
) => void;

class ListeningPort implements OnePort {
  readonly #options: OnePortOptions;
  readonly #limits: ResolvedPortLimits;
  readonly #caps: ConnectionCaps;
  readonly #guard: Http2Guard;
  readonly #direct: DirectService | undefined;
  readonly #http1: Server;
  readonly #http2: Http2Server;
  /** What node:http itself does with a connection: taken off the server, so that the sniffer comes first. */
  readonly #serveHttp1: readonly ((socket: Socket) => void)[];
  readonly #sniffing = new Set<Socket>();
  readonly #peers = new WeakSet<Socket>();
  #address: { readonly host: string; readonly port: number } = { host: '', port: 0 };
  #other: OtherListener | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: OnePortOptions, limits: ResolvedPortLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#caps = new ConnectionCaps(limits);
    this.#guard = new Http2Guard(limits);
    this.#direct = options.direct?.(limits);
    // The HTTP/1.1 server owns the port: only a server that listens itself enforces its header and request timeouts.
    this.#http1 = createHttp1(limits);
    this.#serveHttp1 = this.#http1.listeners('connection') as ((socket: Socket) => void)[];
    this.#http1.removeAllListeners('connection');
    this.#http1.on('connection', (socket: Socket) => this.#onConnection(socket));
    this.#http1.on('request', options.onHttp);
    this.#http2 = createHttp2(limits);
    this.#http2.on('request', options.onHttp);
    // What node:http2 itself does with a stream, which is to make a request of it: taken off the server, so that the fast lane comes first.
    const makeRequest = this.#http2.listeners('stream') as StreamListener[];
    this.#http2.removeAllListeners('stream');
    this.#http2.on('stream', (stream, headers, ...rest) => {
      if (options.onHttp2Stream?.(stream, headers) === true) return;
      for (const listener of makeRequest) listener.call(this.#http2, stream, headers, ...rest);
    });
    this.#http2.on('session', (session) => this.#guard.watch(session));
  }

  get address(): { host: string; port: number } {
    return this.#address;
  }

  get connections(): number {
    return this.#caps.size;
  }

  async listen(): Promise<void> {
    const { host, port, listen } = this.#options;
    if (listen !== undefined) {
      this.#other = await listen((socket) => this.#onConnection(socket));
      this.#address = this.#other.address;
      return;
    }
    try {
      this.#http1.listen({ host, port, backlog: 1_024 });
      await once(this.#http1, 'listening');
      const bound = this.#http1.address() as AddressInfo;
      this.#address = { host: bound.address, port: bound.port };
    } catch (error) {
      this.#guard.stop();
      this.#direct?.stop();
      throw portErrorOf(error as NodeJS.ErrnoException, host, port);
    }
    // Such as EMFILE in accept: that connection is lost, the port goes on.
    this.#http1.on('error', () => undefined);
  }

  close(options: { readonly graceMs: number }): Promise<void> {
    this.#closed ??= this.#close(options.graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    const closed = this.#stopListening();
    for (const socket of this.#sniffing) socket.destroy();
    this.#guard.closeAll();
    this.#direct?.closeAll();
    const deadlineMs = performance.now() + graceMs;
    // Connections that serve nothing go at once; those with a request under way go when it is answered, or at the deadline.
    while (this.#busy() && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      this.#http1.closeIdleConnections();
    }
    for (const socket of this.#caps.sockets) socket.destroy();
    await closed;
    this.#guard.stop();
    this.#direct?.stop();
  }

  #stopListening(): Promise<void> {
    if (this.#other === undefined) return new Promise((resolve) => this.#http1.close(() => resolve()));
    this.#other.close();
    return Promise.resolve();
  }

  /** True while an HTTP connection is open. */
  #busy(): boolean {
    for (const socket of this.#caps.sockets) {
      if (!this.#peers.has(socket)) return true;
    }
    return false;
  }

  #onConnection(socket: Socket): void {
    // Errors of a socket that nobody serves (yet) are no one's business; `close` follows.
    socket.on('error', () => undefined);
    const refusal = this.#closed === undefined ? this.#caps.enter(socket) : 'closing';
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return;
    }
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    this.#sniffing.add(socket);
    sniffProtocol(socket, this.#limits.sniffTimeoutMs, (result) => {
      this.#sniffing.delete(socket);
      if (result.head !== undefined) this.#route(socket, result.kind, result.head);
      else if (result.kind === 'timeout') this.#refuse(socket, 'sniff-timeout');
      else if (result.kind === 'unknown') this.#refuse(socket, 'unknown-protocol');
      else socket.destroy();
    });
  }

  #route(socket: Socket, protocol: SniffedProtocol, head: Buffer): void {
    if (protocol === 'peer') {
      this.#peers.add(socket);
      this.#options.onPeer(socket, head);
      return;
    }
    const refusal = this.#caps.overClientCaps(socket);
    if (refusal !== undefined) {
      if (protocol === 'http1') socket.write(OVERLOADED);
      this.#refuse(socket, refusal);
      return;
    }
    if (protocol === 'direct') {
      if (this.#direct === undefined) this.#refuse(socket, 'unknown-protocol');
      else this.#direct.accept(socket, head);
      return;
    }
    socket.unshift(head);
    if (protocol === 'http2') {
      // node:http makes sockets that may be half open, which it sees to itself. node:http2 does not: such a connection would stay, with its streams,
      // when the client's process has died.
      socket.allowHalfOpen = false;
      this.#http2.emit('connection', socket);
      return;
    }
    for (const serve of this.#serveHttp1) serve.call(this.#http1, socket);
    socket.resume();
  }

  #refuse(socket: Socket, reason: ConnectionRefusal): void {
    this.#options.onRefused?.(reason, socket.remoteAddress ?? '');
    socket.destroySoon();
  }
}

/** An HTTP/1.1 client beyond the caps at least reads why. */
const OVERLOADED = 'HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';

function createHttp1(limits: ResolvedPortLimits): Server {
  return createServer({
    maxHeaderSize: limits.headerBytesMax,
    // node:http insists that the headers' share is no larger than the whole.
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs || limits.headersTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    noDelay: true,
  });
}

function createHttp2(limits: ResolvedPortLimits): Http2Server {
  return createHttp2Server({
    maxSessionMemory: limits.http2SessionMemoryMiB,
    maxSettings: 32,
    maxSessionInvalidFrames: limits.http2InvalidFramesMax,
    maxSessionRejectedStreams: limits.http2InvalidFramesMax,
    settings: {
      enablePush: false,
      initialWindowSize: limits.http2StreamWindowBytes,
      maxConcurrentStreams: limits.http2StreamsMax,
      maxHeaderListSize: limits.headerBytesMax,
    },
  });
}
