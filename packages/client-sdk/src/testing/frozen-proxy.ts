import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that can stop to carry anything, while its connections stay open: a frozen process, or a network that swallows. */
export class FrozenProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #frozen = false;

  private constructor(target: string) {
    const [host = '', port = ''] = target.split(':');
    this.#server = createServer((client) => {
      const server = connect(Number(port), host);
      for (const [socket, other] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('data', (chunk) => this.#frozen || other.write(chunk));
        socket.on('error', () => undefined);
        socket.on('close', () => this.#frozen || other.destroy());
      }
    });
  }

  static async start(target: string): Promise<FrozenProxy> {
    const proxy = new FrozenProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  freeze(): void {
    this.#frozen = true;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
