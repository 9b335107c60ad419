import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Direction } from './direction.js';
import type { Path } from './path.js';

/** The way from one place to a server: a port that passes connections on to the server's own, over the paths there and back. */
export class LinkProxy {
  /** The server's own port: new connections lead there. */
  target = 0;
  readonly #there: Path;
  readonly #back: Path;
  readonly #server: Server;
  readonly #pairs = new Set<() => void>();
  /** Connections that were cut. */
  cuts = 0;

  private constructor(there: Path, back: Path) {
    this.#there = there;
    this.#back = back;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (inbound) => this.#join(inbound));
  }

  static async open(there: Path, back: Path): Promise<LinkProxy> {
    const proxy = new LinkProxy(there, back);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends the connections that there are, as a reset: what was on its way is lost. */
  cut(): number {
    const count = this.#pairs.size;
    for (const end of this.#pairs) end();
    this.cuts += count;
    return count;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(inbound: Socket): void {
    let outbound: Socket | undefined;
    const directions: Direction[] = [];
    let isReset = false;
    const end = (): void => {
      this.#pairs.delete(end);
      isReset = true;
      for (const direction of directions) direction.end();
      inbound.resetAndDestroy();
      outbound?.resetAndDestroy();
    };
    /** A connection that broke breaks for the other end too, once that can hear of it. */
    const onBroken = (back: Path): void => {
      if (isReset) return;
      if (!back.isBlocked) return end();
      const timer = setInterval(() => {
        if (!isReset && back.isBlocked) return;
        clearInterval(timer);
        if (!isReset) end();
      }, 20);
    };
    const open = (): Socket => {
      if (outbound !== undefined) return outbound;
      outbound = connect({ port: this.target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      outbound.on('error', () => onBroken(this.#back));
      outbound.on('close', () => onClosed());
      directions.push(new Direction(outbound, () => inbound, this.#back));
      return outbound;
    };
    const onClosed = (): void => {
      if (inbound.destroyed && (outbound === undefined || outbound.destroyed)) end();
    };
    this.#pairs.add(end);
    inbound.on('error', () => onBroken(this.#there));
    inbound.on('close', () => onClosed());
    directions.push(new Direction(inbound, open, this.#there));
  }
}
