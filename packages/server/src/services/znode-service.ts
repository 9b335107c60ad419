import type { ServiceImpl } from '@connectrpc/connect';
import type { ZnodeService } from '@zkl/protocol';
import type { Edge } from './edge.js';
import { znodeReads } from './znode-reads.js';
import { znodeWrites } from './znode-writes.js';

/** ZnodeService: each method says how a request becomes a command or a read, and a result a reply. */
export function znodeService(edge: Edge): ServiceImpl<typeof ZnodeService> {
  return { ...znodeWrites(edge), ...znodeReads(edge) };
}
