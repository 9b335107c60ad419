import type { ConnectRouter } from '@connectrpc/connect';
import {
  ClusterService,
  grpcHealthV1,
  RegisterService,
  SessionService,
  WatchService,
  ZnodeService,
} from '@zkl/protocol';
import type { Coordination } from '../coordination.js';
import type { ClusterView } from '../request/cluster-view.js';
import { attachService } from './attach-service.js';
import { clusterService, type ClusterServiceDependencies } from './cluster-service.js';
import type { Edge } from './edge.js';
import { healthService } from './health-service.js';
import { addReflection } from './reflection/reflection-service.js';
import { registerService } from './register-service.js';
import { sessionService, type SessionTimeouts } from './session-service.js';
import { watchService } from './watch-service.js';
import { znodeService } from './znode-service.js';

/** What the services need. */
export interface RoutesDependencies extends ClusterServiceDependencies {
  readonly edge: Edge;
  readonly coordination: Coordination;
  readonly sessionTimeouts: SessionTimeouts;
  readonly view: ClusterView;
  readonly reflection: boolean;
  /** Ends open streams when the server stops. Only for services that stream: each call listens to it. */
  readonly shutdownSignal: AbortSignal;
}

/** Every service of a server. */
export function addServices(router: ConnectRouter, dependencies: RoutesDependencies): void {
  const { edge, view, shutdownSignal, coordination, sessionTimeouts } = dependencies;
  const { hub, toucher, streams } = coordination;
  router.service(ZnodeService, znodeService(edge));
  router.service(RegisterService, registerService(edge));
  const session = {
    ...sessionService({ edge, timeouts: sessionTimeouts, toucher }),
    ...attachService(edge, streams),
  };
  router.service(SessionService, session, { shutdownSignal });
  router.service(WatchService, watchService(edge, hub), { shutdownSignal });
  router.service(ClusterService, clusterService(dependencies));
  const health = healthService(view, {
    quorumServices: [ZnodeService.typeName, RegisterService.typeName, SessionService.typeName],
    alwaysServing: [ClusterService.typeName, WatchService.typeName],
  });
  router.service(grpcHealthV1.Health, health, { shutdownSignal });
  if (dependencies.reflection) {
    const all = [ZnodeService, RegisterService, SessionService, WatchService, ClusterService, grpcHealthV1.Health];
    addReflection(router, all, { shutdownSignal });
  }
}
