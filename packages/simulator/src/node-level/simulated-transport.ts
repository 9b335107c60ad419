import type { Message, PeerEvents, PeerTransport, ServerId, SnapshotReader } from '@zkl/consensus';

/** What a transport needs of the run that it belongs to, and of the network. */
export interface TransportHost {
  isRunning(): boolean;
  /** The transport is ready: the server is connected to the others. */
  attach(): void;
  detach(): void;
  send(to: ServerId, message: Message): void;
  sendSnapshot(to: ServerId, attempt: number, snapshot: SnapshotReader, signal: AbortSignal): Promise<void>;
}

/** The transport of one run of one server over the virtual network. */
export class SimulatedTransport implements PeerTransport {
  readonly #host: TransportHost;
  events: PeerEvents | undefined;

  constructor(host: TransportHost) {
    this.#host = host;
  }

  start(events: PeerEvents): Promise<void> {
    this.events = events;
    if (this.#host.isRunning()) this.#host.attach();
    return Promise.resolve();
  }

  send(to: ServerId, message: Message): void {
    if (this.#host.isRunning()) this.#host.send(to, message);
  }

  sendSnapshot(to: ServerId, attempt: number, snapshot: SnapshotReader, signal: AbortSignal): Promise<void> {
    return this.#host.sendSnapshot(to, attempt, snapshot, signal);
  }

  stop(): Promise<void> {
    if (this.#host.isRunning()) this.#host.detach();
    this.events = undefined;
    return Promise.resolve();
  }
}
