import type { ConnectRouter } from '@connectrpc/connect';
import { ClusterService, grpcHealthV1, RegisterService, ZnodeService } from '@zkl/protocol';
import type { ClusterView } from '../request/cluster-view.js';
import { clusterService, type ClusterServiceDependencies } from './cluster-service.js';
import type { Edge } from './edge.js';
import { healthService } from './health-service.js';
import { addReflection } from './reflection/reflection-service.js';
import { registerService } from './register-service.js';
import { znodeService } from './znode-service.js';

/** What the services need. */
export interface RoutesDependencies extends ClusterServiceDependencies {
  readonly edge: Edge;
  readonly view: ClusterView;
  readonly reflection: boolean;
  /** Ends open streams when the server stops. Only for services that stream: each call listens to it. */
  readonly shutdownSignal: AbortSignal;
}

/** Every service of a server. */
export function addServices(router: ConnectRouter, dependencies: RoutesDependencies): void {
  const { edge, view, shutdownSignal } = dependencies;
  router.service(ZnodeService, znodeService(edge));
  router.service(RegisterService, registerService(edge));
  router.service(ClusterService, clusterService(dependencies));
  const health = healthService(view, {
    quorumServices: [ZnodeService.typeName, RegisterService.typeName],
    alwaysServing: [ClusterService.typeName],
  });
  router.service(grpcHealthV1.Health, health, { shutdownSignal });
  if (dependencies.reflection)
    addReflection(router, [ZnodeService, RegisterService, ClusterService, grpcHealthV1.Health], { shutdownSignal });
}
