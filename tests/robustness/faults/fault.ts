import type { ProcessCluster } from '@zkl/cli/cluster';
import type { Network } from '../network/network.js';
import type { Random } from '../workload/random.js';
import type { OrderDesk } from './orders.js';
import type { Trial } from './trial.js';

export const FAULT_KINDS = ['network', 'disk', 'clock', 'process'] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** What a fault is done to. */
export interface Scene {
  readonly cluster: ProcessCluster;
  readonly network: Network;
  readonly orders: OrderDesk;
  readonly trial: Trial;
  readonly random: Random;
}

/** One fault: does it, waits, and undoes it. Answers what it did, in words. No fault destroys what a majority holds. */
export interface Fault {
  readonly name: string;
  readonly kind: FaultKind;
  readonly strike: (scene: Scene) => Promise<string>;
}

/** The leader, as soon as there is one. */
export async function leaderOf({ cluster }: Scene): Promise<number> {
  return (await cluster.leader()).id;
}

/** Half of the time the leader, else any server. */
export async function pickServer(scene: Scene): Promise<number> {
  const { random, cluster } = scene;
  return random.below(2) === 0 ? leaderOf(scene) : random.pick(cluster.members).id;
}

/** Any server but one. */
export function anotherThan({ random, cluster }: Scene, id: number): number {
  return random.pick(cluster.members.filter((member) => member.id !== id)).id;
}

/** As few servers as can go away while the others are a majority, one at least; the given one among them. */
export function minorityWith({ random, cluster }: Scene, id: number): number[] {
  const most = Math.max(1, Math.floor((cluster.members.length - 1) / 2));
  const size = 1 + random.below(most);
  const others = cluster.members.map((member) => member.id).filter((other) => other !== id);
  while (others.length >= size) others.splice(random.below(others.length), 1);
  return [id, ...others];
}
