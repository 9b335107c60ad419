import { EventEmitter } from 'node:events';
import type { VirtualProcess } from './virtual-process.js';
import type { Party, Wire, WireEnd, WorldNetwork } from './world-network.js';

/** What a writer may have on its way before it is asked to wait, and what the reading end's system takes for it, in bytes. */
const HIGH_WATER = 16_384;
const RECEIVE_BUFFER = 65_536;

/** Where a socket says it is. */
export interface SocketPlace {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/**
 * A TCP socket in virtual time: what links between servers use of a net.Socket. Not a stream of Node.js: those use ticks of the real event loop, which
 * would run in whichever process comes next.
 */
export class SimulatedSocket extends EventEmitter implements WireEnd {
  readonly process: VirtualProcess;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  connecting: boolean;
  destroyed = false;
  closed = false;
  writableLength = 0;
  readonly #party: Party;
  readonly #wire: Wire;
  readonly #network: WorldNetwork;
  #other: SimulatedSocket | undefined;
  #isFlowing: boolean | undefined;
  /** `isTold`: the writer knows that it has arrived. */
  #received: { readonly bytes: Buffer; readonly isTold: boolean }[] = [];
  #receivedBytes = 0;
  #hasEnded = false;
  #isEnding = false;
  #needsDrain = false;
  #unsent: Buffer[] = [];

  constructor(
    process: VirtualProcess,
    party: Party,
    wire: Wire,
    network: WorldNetwork,
    place: SocketPlace,
    connecting: boolean,
  ) {
    super();
    this.process = process;
    this.#party = party;
    this.#wire = wire;
    this.#network = network;
    this.localAddress = place.localAddress;
    this.localPort = place.localPort;
    this.remoteAddress = place.remoteAddress;
    this.remotePort = place.remotePort;
    this.connecting = connecting;
    wire.join(party, this);
  }

  get writableNeedDrain(): boolean {
    return this.#needsDrain;
  }

  get writableEnded(): boolean {
    return this.#isEnding;
  }

  /** Both ends know each other. */
  join(other: SimulatedSocket): void {
    this.#other = other;
    if (!this.connecting || this.destroyed) return;
    this.connecting = false;
    this.emit('connect');
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const bytes of unsent) this.#send(bytes);
    if (this.#isEnding) this.#sendEnd();
  }

  /** The connection could not be made. */
  fail(code: string): void {
    this.destroy(Object.assign(new Error(code), { code }));
  }

  override on(event: string, listener: (...values: unknown[]) => void): this {
    super.on(event, listener);
    if (event === 'data' && this.#isFlowing === undefined) this.resume();
    return this;
  }

  pause(): this {
    this.#isFlowing = false;
    return this;
  }

  resume(): this {
    if (this.#isFlowing === true) return this;
    this.#isFlowing = true;
    this.process.soon(() => this.#flow());
    return this;
  }

  write(chunk: Uint8Array): boolean {
    if (this.destroyed || this.#isEnding) return false;
    // The writer may use its buffer again as soon as this returns.
    const bytes = Buffer.from(chunk);
    this.writableLength += bytes.byteLength;
    if (this.connecting) this.#unsent.push(bytes);
    else this.#send(bytes);
    this.#needsDrain = this.writableLength >= HIGH_WATER;
    return !this.#needsDrain;
  }

  end(): this {
    if (this.#isEnding || this.destroyed) return this;
    this.#isEnding = true;
    if (!this.connecting) this.#sendEnd();
    return this;
  }

  destroySoon(): void {
    this.end();
    this.process.soon(() => this.destroy());
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    this.#received = [];
    this.#wire.close(this.#party);
    this.process.soon(() => {
      this.closed = true;
      if (error !== undefined) this.emit('error', error);
      this.emit('close');
    });
    return this;
  }

  onLost(): void {
    if (!this.#hasEnded) this.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    else this.destroy();
  }

  cork(): void {
    // Every write is conveyed by itself, and what is written at once may arrive at once.
  }

  uncork(): void {
    // See `cork`.
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  #send(bytes: Buffer): void {
    for (const piece of this.#pieces(bytes)) this.#wire.send(this.#party, () => this.#other!.#receive(piece));
  }

  #sendEnd(): void {
    this.#wire.send(this.#party, () => this.#other!.#receiveEnd());
    this.process.soon(() => this.emit('finish'));
  }

  /** Whole, or cut at any byte. */
  #pieces(bytes: Buffer): readonly Buffer[] {
    const { random } = this.process.machine;
    if (bytes.byteLength < 2 || !random.chance(this.#network.settings.splitRate)) return [bytes];
    const at = random.between(1, bytes.byteLength - 1);
    return [bytes.subarray(0, at), ...this.#pieces(bytes.subarray(at))];
  }

  #receive(bytes: Buffer): void {
    if (this.destroyed) return;
    this.#receivedBytes += bytes.byteLength;
    const isTold = this.#receivedBytes <= RECEIVE_BUFFER;
    this.#received.push({ bytes, isTold });
    if (isTold) this.#tell(bytes.byteLength);
    if (this.#isFlowing === true) this.#flow();
  }

  #receiveEnd(): void {
    if (this.destroyed) return;
    this.#hasEnded = true;
    if (this.#isFlowing === true) this.#flow();
  }

  #flow(): void {
    while (this.#isFlowing === true && !this.destroyed) {
      const next = this.#received.shift();
      if (next === undefined) break;
      const { bytes, isTold } = next;
      this.#receivedBytes -= bytes.byteLength;
      if (!isTold) this.#tell(bytes.byteLength);
      this.emit('data', bytes);
    }
    if (!this.#hasEnded || this.#received.length > 0 || this.#isFlowing !== true || this.destroyed) return;
    this.emit('end');
    // Half a connection is of no use.
    this.destroy();
  }

  /** The writer's system learns that there is room again. */
  #tell(bytes: number): void {
    this.#wire.send(this.#party, () => this.#other!.#onTaken(bytes));
  }

  #onTaken(bytes: number): void {
    this.writableLength -= bytes;
    if (!this.#needsDrain || this.writableLength > 0 || this.destroyed) return;
    this.#needsDrain = false;
    this.emit('drain');
  }
}
