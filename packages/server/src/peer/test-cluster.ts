import type { Socket } from 'node:net';
import type { Message, PeerEvents, ServerId, Zxid } from '@zkl/consensus';
import { silentLogger, type LogFields, type Logger } from '../observability/logger.js';
import { listenOnePort, type OnePort } from '../port/one-port.js';
import { PEER_MAGIC } from '../port/protocol-sniffer.js';
import { FRAME_LENGTH_BYTES } from './frame.js';
import { FrameCursor } from './frame-cursor.js';
import { decodeHello, decodeHelloVersions } from './handshake-codec.js';
import type { PeerLimits } from './peer-limits.js';
import { TcpPeerTransport, type TcpPeerTransportOptions } from './tcp-peer-transport.js';

/** Parts for this package's own tests: servers that are nothing but a port and a peer transport. Not part of the package. */
export interface TestPeer {
  readonly id: ServerId;
  readonly port: OnePort;
  readonly transport: TcpPeerTransport;
  readonly logger: RecordingLogger;
  /** The sockets that peers opened to here, while they are open, and which server each says it is from. */
  readonly sockets: ReadonlyMap<Socket, ServerId>;
}

/** Keeps the lines that were logged. */
class RecordingLogger implements Logger {
  readonly lines: { level: string; fields: LogFields; message: string | undefined }[] = [];

  debug = (fields: LogFields, message?: string): void => void this.lines.push({ level: 'debug', fields, message });
  info = (fields: LogFields, message?: string): void => void this.lines.push({ level: 'info', fields, message });
  warn = (fields: LogFields, message?: string): void => void this.lines.push({ level: 'warn', fields, message });
  error = (fields: LogFields, message?: string): void => void this.lines.push({ level: 'error', fields, message });
  fatal = (fields: LogFields, message?: string): void => void this.lines.push({ level: 'fatal', fields, message });
  child = (): Logger => silentLogger;

  /** The lines of one event, newest last. */
  of(event: string): readonly { level: string; fields: LogFields; message: string | undefined }[] {
    return this.lines.filter((line) => line.fields.event === event);
  }
}

/** What a server was told by its transport. */
export class RecordedEvents implements PeerEvents {
  readonly log: string[] = [];
  readonly up = new Set<ServerId>();
  readonly messages: { from: ServerId; message: Message }[] = [];
  install: (chunks: AsyncIterable<Uint8Array>, attempt: number, zxid: Zxid) => Promise<void> = () => Promise.resolve();

  onMessage(from: ServerId, message: Message): void {
    this.messages.push({ from, message });
  }

  onPeerUp(peer: ServerId): void {
    this.log.push(`up ${peer}`);
    this.up.add(peer);
  }

  onPeerLost(peer: ServerId): void {
    this.log.push(`lost ${peer}`);
    this.up.delete(peer);
  }

  onSnapshot(_from: ServerId, attempt: number, zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.install(chunks, attempt, zxid);
  }
}

/** Opens a port of its own for each server; `override` may give some of them other options. */
export class TestCluster {
  readonly peers = new Map<ServerId, TestPeer>();
  readonly members = new Map<ServerId, { host: string; port: number }>();
  readonly #limits: PeerLimits;
  readonly #ports: OnePort[] = [];
  readonly #transports: TcpPeerTransport[] = [];

  constructor(limits: PeerLimits = {}) {
    this.#limits = limits;
  }

  static async open(ids: readonly ServerId[], limits: PeerLimits = {}): Promise<TestCluster> {
    const cluster = new TestCluster(limits);
    for (const id of ids) await cluster.add(id);
    return cluster;
  }

  get(id: ServerId): TestPeer {
    const peer = this.peers.get(id);
    if (peer === undefined) throw new Error(`no server ${id}`);
    return peer;
  }

  /** A server more: listening, not started. `join: false` keeps its address out of the member list. */
  async add(
    id: ServerId,
    options: Partial<TcpPeerTransportOptions> & { join?: boolean; port?: number } = {},
  ): Promise<TestPeer> {
    const { join = true, port: listenPort = 0, ...override } = options;
    const logger = new RecordingLogger();
    const sockets = new Map<Socket, ServerId>();
    const port = await listenOnePort({
      host: '127.0.0.1',
      port: listenPort,
      limits: {},
      onHttp: (_request, response) => void response.end(),
      onPeer: (socket, head) => {
        sockets.set(socket, senderOf(head));
        socket.once('close', () => sockets.delete(socket));
        transport.accept(socket, head);
      },
    });
    if (join) this.members.set(id, { host: '127.0.0.1', port: port.address.port });
    const transport = new TcpPeerTransport({
      id,
      clusterId: 'test',
      members: this.members,
      secret: 'a secret',
      logger,
      limits: this.#limits,
      ...override,
    });
    const peer = { id, port, transport, logger, sockets };
    this.peers.set(id, peer);
    this.#ports.push(port);
    this.#transports.push(transport);
    return peer;
  }

  /** Starts them all and waits until each is up for each. */
  async start(): Promise<Map<ServerId, RecordedEvents>> {
    const all = new Map<ServerId, RecordedEvents>();
    for (const [id, { transport }] of this.peers) {
      const events = new RecordedEvents();
      all.set(id, events);
      await transport.start(events);
    }
    await until(() => [...all.values()].every((events) => events.up.size === all.size - 1));
    return all;
  }

  /** Cuts the connections between two servers, as a network would: the sockets that lead from one to the other. */
  disconnect(a: ServerId, b: ServerId): void {
    for (const [to, from] of [
      [a, b],
      [b, a],
    ] as const) {
      const peer = this.get(to);
      for (const [socket, sender] of peer.sockets) if (sender === from) socket.destroy();
    }
  }

  /** Cuts every connection that peers opened to this server. */
  cut(to: ServerId): void {
    for (const socket of this.get(to).sockets.keys()) socket.destroy();
  }

  async close(): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.stop()));
    await Promise.all(this.#ports.map((port) => port.close({ graceMs: 0 })));
  }
}

/** Who dialled, by its hello: here the hello comes in one piece with the magic. 0 for what is no hello. */
function senderOf(head: Buffer): ServerId {
  try {
    const cursor = new FrameCursor(head.subarray(PEER_MAGIC.byteLength + FRAME_LENGTH_BYTES));
    return decodeHello(cursor, decodeHelloVersions(cursor)).from;
  } catch {
    return 0;
  }
}

/** Waits for a condition, with a deadline. */
export async function until(condition: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
