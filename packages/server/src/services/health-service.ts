import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { grpcHealthV1 } from '@zkl/protocol';
import type { ClusterView } from '../request/cluster-view.js';

type ServingStatus = grpcHealthV1.HealthCheckResponse_ServingStatus;
type HealthCheckResponse = grpcHealthV1.HealthCheckResponse;
const ServingStatus = grpcHealthV1.HealthCheckResponse_ServingStatus;

/**
 * grpc.health.v1: SERVING while this server takes part in a quorum and could answer a linearizable read. `alwaysServing` names the services that
 * answer without one; `quorumServices` those that do not. The empty name is the whole server.
 */
export function healthService(
  view: ClusterView,
  services: { readonly quorumServices: readonly string[]; readonly alwaysServing: readonly string[] },
): ServiceImpl<typeof grpcHealthV1.Health> {
  const needsQuorum = new Set(['', ...services.quorumServices]);
  const known = [...needsQuorum, ...services.alwaysServing];
  const statusOf = (service: string): ServingStatus => {
    if (!known.includes(service)) return ServingStatus.SERVICE_UNKNOWN;
    const serves = needsQuorum.has(service) ? view.serving : !view.stopping;
    return serves ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };
  return {
    check: ({ service }) => {
      const status = statusOf(service);
      if (status !== ServingStatus.SERVICE_UNKNOWN) return response(status);
      throw new ConnectError('there is no such service', Code.NotFound);
    },
    list: () => ({ statuses: Object.fromEntries(known.map((service) => [service, response(statusOf(service))])) }),
    watch: async function* ({ service }, { signal }) {
      let told: ServingStatus | undefined;
      while (!signal.aborted) {
        const changed = nextChange(view, signal);
        const status = statusOf(service);
        if (status !== told) yield response(status);
        told = status;
        await changed;
      }
      // The server stops, or the caller went away: an end without an error would say that there is nothing more to watch.
      throw signal.reason;
    },
  };
}

function response(status: ServingStatus): HealthCheckResponse {
  return create(grpcHealthV1.HealthCheckResponseSchema, { status });
}

/** Resolves at the next change of the view after this call, or when the caller goes away. */
function nextChange(view: ClusterView, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const onAbort = (): void => {
      takeBack();
      resolve();
    };
    const takeBack = view.onChange(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
    // It may have gone away before this call, and then says so no more.
    if (signal.aborted) onAbort();
  });
}
