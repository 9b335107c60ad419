import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy in front of a server that can lose replies: while `cutting`, it lets a connection's requests through, holds the
 * server's answers back, and then cuts the connection. So the server has acted, and the client cannot know.
 */
export class CutProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections that are still to be cut, of those that carry a request meanwhile. */
  cuts = 0;
  /** Connections that were cut. */
  done = 0;
  /** While true no answer gets to a client, and requests go through as ever; until `cut`. */
  muted = false;

  private constructor(target: string) {
    const [host = '', port = ''] = target.split(':');
    this.#server = createServer((client) => this.#join(client, connect(Number(port), host)));
  }

  static async start(target: string): Promise<CutProxy> {
    const proxy = new CutProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts all connections, with the answers that were kept back. New ones are carried. */
  cut(): void {
    this.muted = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, server: Socket): void {
    let established = false;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk) => server.write(chunk));
    server.on('data', (chunk) => {
      // The first answer is the server's HTTP/2 settings.
      if (established && this.cuts > 0) {
        this.cuts -= 1;
        this.done += 1;
        client.destroy();
        server.destroy();
        return;
      }
      established = true;
      if (this.muted) return;
      client.write(chunk);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
