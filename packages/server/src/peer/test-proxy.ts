import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A wire that tests can spoil: passes connections on to a port. Not part of the package. */
export class TestProxy {
  /** New connections lead here. */
  target: number;
  /** May change or drop the bytes on their way to the target. */
  onBytes: (bytes: Buffer) => Buffer = (bytes) => bytes;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((inbound) => this.#join(inbound));
  }

  static async open(target: number): Promise<TestProxy> {
    const proxy = new TestProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The connections that there are pass nothing on any more, and do not end: as when the other host has lost its power. */
  freeze(): void {
    for (const socket of this.#sockets) {
      socket.removeAllListeners('data');
      socket.removeAllListeners('close');
      socket.pause();
    }
  }

  /** Cuts the connections that there are. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(inbound: Socket): void {
    const outbound = connect(this.target, '127.0.0.1');
    const pass = (from: Socket, to: Socket, change: (bytes: Buffer) => Buffer): void => {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', (bytes) => {
        if (to.write(change(bytes))) return;
        from.pause();
        to.once('drain', () => from.resume());
      });
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    };
    pass(inbound, outbound, (bytes) => this.onBytes(bytes));
    pass(outbound, inbound, (bytes) => bytes);
  }
}
