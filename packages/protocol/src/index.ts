export * from './gen/zkl/v1/cluster_pb.js';
export * from './gen/zkl/v1/common_pb.js';
export * from './gen/zkl/v1/register_pb.js';
export * from './gen/zkl/v1/session_pb.js';
export * from './gen/zkl/v1/watch_pb.js';
export * from './gen/zkl/v1/znode_pb.js';

// Namespaces: the two versions of reflection declare the same names.
export * as grpcHealthV1 from './gen/grpc/health/v1/health_pb.js';
export * as grpcReflectionV1 from './gen/grpc/reflection/v1/reflection_pb.js';
export * as grpcReflectionV1alpha from './gen/grpc/reflection/v1alpha/reflection_pb.js';
