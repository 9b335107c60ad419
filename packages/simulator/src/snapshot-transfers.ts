import type { ServerId } from '@zkl/consensus';
import type { EventQueue } from './event-queue.js';
import { UNITS_PER_TICK } from './event-queue.js';
import type { Random } from './random.js';
import type { Settings } from './swarm.js';
import type { Trace } from './trace.js';
import type { MachineState } from './virtual-disk.js';
import type { VirtualNetwork } from './virtual-network.js';
import type { VirtualServer } from './virtual-server.js';

export interface TransferSurroundings {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly network: VirtualNetwork;
  readonly trace: Trace;
  readonly settings: Settings;
  readonly server: (id: ServerId) => VirtualServer;
}

interface Transfer {
  readonly from: VirtualServer;
  readonly fromRun: number;
  readonly to: VirtualServer;
  readonly toRun: number;
  readonly attempt: number;
  readonly state: MachineState;
  steps: number;
}

/** Streams snapshots from leaders to learners, beside the messages, step by step: each step tells both sides that the other lives, and can fail. */
export class SnapshotTransfers {
  readonly #around: TransferSurroundings;
  /** How many came whole and were installed. */
  installed = 0;

  constructor(around: TransferSurroundings) {
    this.#around = around;
  }

  begin(from: VirtualServer, to: ServerId, attempt: number): void {
    const { queue, random, settings, server } = this.#around;
    from.takeSnapshot();
    const state = from.disk.snapshot;
    const { snapshotSteps, snapshotSlowness, ticks } = settings;
    const isSlow = snapshotSlowness > 0;
    const steps = isSlow ? Math.ceil(snapshotSlowness * ticks.sync) : random.between(1, snapshotSteps);
    const receiver = server(to);
    const transfer = { from, fromRun: from.run, to: receiver, toRun: receiver.run, attempt, state, steps };
    if (state.position === 0) return this.#end(transfer, false);
    queue.after(this.#stepTime(), () => this.#step(transfer));
  }

  #step(transfer: Transfer): void {
    const { from, to, attempt } = transfer;
    const { network, queue } = this.#around;
    if (from.run !== transfer.fromRun) return this.#end(transfer, false);
    const isWanted =
      to.run === transfer.toRun && !to.isInstalling && to.core?.awaitsSnapshot(from.id, attempt) === true;
    if (!isWanted || !network.isOpen(from.id, to.id) || !network.isOpen(to.id, from.id))
      return this.#end(transfer, false);
    if (!to.paused && !from.paused) {
      to.holdWrites(true);
      to.input({ kind: 'snapshotProgress', peer: from.id, attempt });
      from.input({ kind: 'snapshotProgress', peer: to.id, attempt });
      transfer.steps--;
    }
    // While a write is under way the store does not begin to install.
    if (transfer.steps > 0 || to.disk.busy || to.paused)
      return queue.after(this.#stepTime(), () => this.#step(transfer));
    to.install(attempt, transfer.state);
    this.installed++;
    this.#end(transfer, true);
  }

  #end({ from, fromRun, to, toRun, attempt, state }: Transfer, done: boolean): void {
    const { queue, network, trace } = this.#around;
    trace.add(4, to.id, done ? 1 : 0);
    if (!done && to.run === toRun && !to.isInstalling) to.holdWrites(false);
    queue.after(UNITS_PER_TICK + network.latency(), () => {
      if (from.run !== fromRun) return;
      from.input({ kind: 'snapshotSent', to: to.id, attempt, zxid: done ? state.zxid : undefined });
    });
  }

  /** One to three ticks. */
  #stepTime(): number {
    return UNITS_PER_TICK + this.#around.random.below(2 * UNITS_PER_TICK);
  }
}
