export { peerTransportSuite, type PeerTransportCluster } from './peer-transport-suite.js';
