import {
  ConsensusNode,
  splitOperations,
  systemClock,
  type Block,
  type ProposalOutcome,
  type StateMachine,
} from '@zkl/consensus';
import { MemoryLogStore } from '@zkl/consensus/memory';
import { afterEach, describe, expect, it } from 'vitest';
import { TestCluster, until } from './test-cluster.js';

/** Keeps every write. */
class ListMachine implements StateMachine<number> {
  list: string[] = [];

  apply(block: Block): readonly number[] {
    return splitOperations(block.payload).map((operation) => this.list.push(Buffer.from(operation).toString()));
  }

  *snapshot(): IterableIterator<Uint8Array> {
    yield Buffer.from(JSON.stringify(this.list));
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.list = JSON.parse(Buffer.concat(parts).toString()) as string[];
  }
}

interface Member {
  readonly node: ConsensusNode<number>;
  readonly machine: ListMachine;
}

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(
  cluster: TestCluster,
  id: number,
  logStore: MemoryLogStore,
  snapshotEveryBytes: number,
): Promise<Member> {
  const machine = new ListMachine();
  const node = new ConsensusNode<number>({
    id,
    voters: [1, 2, 3],
    logStore,
    transport: cluster.get(id).transport,
    stateMachine: machine,
    clock: systemClock,
    random: Math.random,
    limits: { snapshotEveryBytes, windowBytes: snapshotEveryBytes },
    onFatal: (error) => {
      throw error;
    },
  });
  closers.push(() => node.stop());
  await node.start();
  return { node, machine };
}

function propose(node: ConsensusNode<number>, text: string): Promise<ProposalOutcome<number>> {
  return new Promise((resolve) => node.propose(Buffer.from(text), resolve));
}

function leaderOf(members: readonly Member[]): Member | undefined {
  return members.find(({ node }) => node.status.role === 'leading' && node.status.serving);
}

describe('three servers over TCP', () => {
  it('elect, replicate, and bring back one that was cut off, by log or by snapshot', async () => {
    const cluster = await TestCluster.open([1, 2, 3]);
    closers.push(() => cluster.close());
    const stores = [1, 2, 3].map(() => new MemoryLogStore({ retainBytes: 10_000 }));
    const members = await Promise.all(stores.map((store, index) => start(cluster, index + 1, store, 20_000)));
    await until(() => leaderOf(members) !== undefined);
    const expected: string[] = [];
    const write = async (count: number, bytes: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        await until(() => leaderOf(members) !== undefined);
        const text = `${expected.length} ${'x'.repeat(bytes)}`;
        const outcome = await propose(leaderOf(members)!.node, text);
        expect(outcome.kind).toBe('applied');
        expected.push(text);
      }
    };
    const converged = (): boolean => members.every(({ machine }) => machine.list.length === expected.length);
    await write(20, 10);
    await until(converged);

    // A follower loses its connections again and again: it comes back by the log.
    const follower = members.findIndex((member) => member !== leaderOf(members)) + 1;
    for (let round = 0; round < 3; round++) {
      cluster.cut(follower);
      await write(5, 10);
    }
    await until(converged);

    // A follower stops, and so much is written that only a snapshot brings it back.
    const old = members[follower - 1]!;
    await old.node.stop();
    await cluster.get(follower).port.close({ graceMs: 0 });
    members.splice(follower - 1, 1);
    await write(60, 2_000);
    await cluster.add(follower, { port: cluster.get(follower).port.address.port });
    members.push(await start(cluster, follower, stores[follower - 1]!, 20_000));
    await until(converged);
    for (const { machine } of members) expect(machine.list).toEqual(expected);
    expect(cluster.get(follower).logger.of('snapshot_received').length).toBeGreaterThan(0);
  });
});
