import type { EventQueue } from '../event-queue.js';
import type { Random } from '../random.js';
import { UNITS_PER_MS } from '../node-level/node-settings.js';

/** Who runs at the moment: the code between two events belongs to one process, and so do the timers that it sets. */
export class Machine {
  readonly queue: EventQueue;
  readonly random: Random;
  /** Undefined between events, and in those of the world itself. */
  running: VirtualProcess | undefined;

  constructor(queue: EventQueue, random: Random) {
    this.queue = queue;
    this.random = random;
  }

  /** An event of the world itself: nobody's process runs in it. */
  after(units: number, callback: () => void): void {
    this.queue.after(units, () => {
      this.running = undefined;
      callback();
    });
  }
}

/** What comes to a process: by its own clock, from outside, or from itself in a later turn. */
type Kind = 'timer' | 'input' | 'turn';

const WALL_START_MS = 1_700_000_000_000;
/** No monotonic clock begins at zero. */
const MONOTONIC_START_MS = 10_000;

/** One process of the operating system, in virtual time: it has clocks of its own, can stand still, and dies. What it asked for dies with it. */
export class VirtualProcess {
  readonly name: string;
  readonly machine: Machine;
  /** 1 for a clock that is right. */
  readonly clockRate: number;
  /** How far the wall clock is off. */
  wallOffsetMs = 0;
  /** How late timers and turns may come, in units. */
  lateMax: number;
  #isAlive = true;
  #isPaused = false;
  #held: { readonly kind: Kind; readonly callback: () => void }[] = [];
  #lastTurn = 0;

  constructor(name: string, machine: Machine, clockRate: number, lateMax: number) {
    this.name = name;
    this.machine = machine;
    this.clockRate = clockRate;
    this.lateMax = lateMax;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  monotonicMs(): number {
    return MONOTONIC_START_MS + (this.machine.queue.now / UNITS_PER_MS) * this.clockRate;
  }

  wallMs(): number {
    return Math.floor(WALL_START_MS + this.monotonicMs() + this.wallOffsetMs);
  }

  /** Never comes before its time, on the clock of the process. */
  afterMs(ms: number, callback: () => void): void {
    const units = Math.max(1, Math.ceil((Math.max(1, ms) * UNITS_PER_MS) / this.clockRate));
    this.machine.queue.after(units + this.machine.random.below(this.lateMax), () => this.deliver('timer', callback));
  }

  /** In the order in which they were asked for. */
  nextTurn(callback: () => void): void {
    const { queue, random } = this.machine;
    this.#lastTurn = Math.max(this.#lastTurn, queue.now + random.below(this.lateMax));
    queue.after(this.#lastTurn - queue.now, () => this.deliver('turn', callback));
  }

  /** From outside, in an event of its own: at once. */
  soon(callback: () => void): void {
    this.machine.queue.after(0, () => this.deliver('input', callback));
  }

  /** Lets it happen to the process, in the present event: later, if it stands still; never, once it is dead. */
  deliver(kind: Kind, callback: () => void): void {
    if (!this.#isAlive) return;
    if (this.#isPaused || this.#held.length > 0) this.#held.push({ kind, callback });
    else this.#run(callback);
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** Timers that are due come first, as in an event loop, and turns last; but what came from outside may be looked at before them. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const held = this.#held;
    const order: readonly Kind[] = this.machine.random.chance(0.7)
      ? ['timer', 'input', 'turn']
      : ['input', 'timer', 'turn'];
    this.#held = order.flatMap((wanted) => held.filter(({ kind }) => kind === wanted));
    this.#catchUp();
  }

  /** What was held comes one by one, each in an event of its own; what comes meanwhile stands behind it. */
  #catchUp(): void {
    if (this.#held.length === 0) return;
    this.machine.queue.after(0, () => {
      if (!this.#isAlive || this.#isPaused) return;
      const next = this.#held.shift();
      if (next !== undefined) this.#run(next.callback);
      this.#catchUp();
    });
  }

  #run(callback: () => void): void {
    this.machine.running = this;
    callback();
  }

  kill(): void {
    this.#isAlive = false;
    this.#held = [];
  }
}
