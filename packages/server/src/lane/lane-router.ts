import type { ConnectRouter } from '@connectrpc/connect';
import type { GrpcLane } from './grpc-lane.js';

/** A router that puts every service that is added to it on the lane too. */
export function alsoOnLane(router: ConnectRouter, lane: GrpcLane): ConnectRouter {
  const both: ConnectRouter = {
    handlers: router.handlers,
    service: (service, implementation, options) => {
      router.service(service, implementation, options);
      lane.add(service, implementation);
      return both;
    },
    rpc: (method, implementation, options) => {
      router.rpc(method, implementation, options);
      return both;
    },
  };
  return both;
}
