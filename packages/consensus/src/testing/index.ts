export { peerTransportSuite, type PeerTransportCluster } from './peer-transport-suite.js';
export { logStoreSuite, type LogStoreData } from './log-store-suite.js';
export { BlockMaker, comparableBlock, type ComparableBlock, digest, pattern } from './log-samples.js';
