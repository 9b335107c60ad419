export { CLUSTER_FILE, CLUSTER_FOLDER, CLUSTER_SIZE_MAX, findClusterFolder } from './cluster-file.js';
export { ClusterError, type ClusterErrorCode } from './errors.js';
export { compareDigests, type DigestComparison, lagOf, type MemberStatus } from './member-status.js';
export type { ClusterMember } from './members.js';
export { ProcessCluster, type ServerArgs, type StopOptions, type WaitingOptions } from './process-cluster.js';
export type { ProcessEnd } from './server-process.js';
export { openProcessCluster, type ProcessClusterOptions, startProcessCluster } from './start-process-cluster.js';
