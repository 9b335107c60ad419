import { peerTransportSuite } from '@zkl/consensus/testing';
import { TestCluster } from './test-cluster.js';

peerTransportSuite('TcpPeerTransport', async (ids) => {
  const cluster = await TestCluster.open(ids);
  return {
    transports: new Map([...cluster.peers].map(([id, { transport }]) => [id, transport])),
    disconnect: (a, b) => cluster.disconnect(a, b),
    close: () => cluster.close(),
  };
});
