import type { Stat } from '@zkl/wire';
import type { ZnodeStateMachine } from '../znode-state-machine.js';

export interface DumpedNode {
  readonly data: number[] | null;
  readonly stat: Stat;
}

/** Every node by its path, through the public reads, in pages of `limit`. */
export function dump(machine: ZnodeStateMachine, limit = 3): Map<string, DumpedNode> {
  const nodes = new Map<string, DumpedNode>();
  const paths = ['/'];
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const node = machine.get(path);
    if (node.kind === 'error') throw new Error(`${node.code} ${path}`);
    nodes.set(path, { data: node.data === null ? null : [...node.data], stat: node.stat });
    for (const name of namesOf(machine, path, limit)) paths.push(path === '/' ? `/${name}` : `${path}/${name}`);
  }
  return nodes;
}

/** All children of a node, in order. */
export function namesOf(machine: ZnodeStateMachine, path: string, limit = 1000): string[] {
  const names: string[] = [];
  for (let more = true; more;) {
    const page = machine.children(path, { startAfter: names.at(-1), limit });
    if (page.kind === 'error') throw new Error(`${page.code} ${path}`);
    names.push(...page.children.map((child) => child.name));
    more = page.more;
  }
  return names;
}

/** Chunks as a port hands them over. */
export async function* stream(chunks: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield chunk;
}
