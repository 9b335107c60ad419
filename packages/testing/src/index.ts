export { TestClusterError, type TestClusterErrorCode } from './errors.js';
export { startTestCluster, type TestCluster, type TestClusterOptions } from './test-cluster.js';
export type { TestServer, TestServerState } from './test-server.js';
