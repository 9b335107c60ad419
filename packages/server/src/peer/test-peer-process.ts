import { TestCluster } from './test-cluster.js';

/**
 * A server that is a process of its own, for tests that kill one: the arguments are its id, its port (0 for any), and the other members as `id:port`. It
 * prints its port when it listens.
 */
const [id, port, ...others] = process.argv.slice(2);
const cluster = new TestCluster();
const peer = await cluster.add(Number(id), { port: Number(port) });
for (const other of others) {
  const [otherId, otherPort] = other.split(':').map(Number);
  cluster.members.set(otherId ?? 0, { host: '127.0.0.1', port: otherPort ?? 0 });
}
await peer.transport.start({
  onMessage: () => undefined,
  onPeerUp: () => undefined,
  onPeerLost: () => undefined,
  onSnapshot: () => Promise.resolve(),
});
process.stdout.write(`${peer.port.address.port}\n`);
