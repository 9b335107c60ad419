/**
 * The hot path in the small: `node --expose-gc --import tsx packages/state-machine/bench/hot-path.mts [znodes [children a folder [history]]]`.
 * Prints operations a second by the middle block (so that what else the machine does hardly counts), bytes a znode, the longest pauses, and the slices of a snapshot under load.
 */
import { encodeCommand } from '@zkl/wire';
import type { Command, WriteId } from '../src/commands.js';
import { blockOf } from '../src/testing/blocks.js';
import { ChangeHistory } from '../src/change-history.js';
import { ZnodeStateMachine } from '../src/znode-state-machine.js';

const total = Number(process.argv[2] ?? 1_000_000);
const perFolder = Number(process.argv[3] ?? 1_000);
const batch = 64;
const value = new Uint8Array(256).map((_, i) => i);
const history = process.argv[4] === 'history' ? new ChangeHistory() : undefined;
const machine = new ZnodeStateMachine({ hashSeed: 12345, history });
let counter = 0;
let timeMs = 1_700_000_000_000;

const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);

/**
 * Times of single calls. One counts as the smaller of its wall time and the CPU time of the process: the first is too long when
 * the machine is busy with others, the second when threads of the engine work beside.
 */
class Pauses {
  readonly timesMs: number[] = [];
  #cpu = process.cpuUsage();
  #start = 0;

  begin(): void {
    this.#cpu = process.cpuUsage();
    this.#start = performance.now();
  }

  end(): void {
    const wallMs = performance.now() - this.#start;
    const cpu = process.cpuUsage(this.#cpu);
    this.timesMs.push(Math.min(wallMs, (cpu.user + cpu.system) / 1000));
  }

  /** The time that a share of the calls stays below. */
  at(share: number): number {
    const sorted = [...this.timesMs].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }

  toString(): string {
    const above5 = this.timesMs.filter((ms) => ms > 5).length;
    return `p99.9 ${this.at(0.999).toFixed(2)} ms, worst ${this.at(1).toFixed(2)} ms, ${above5} of ${this.timesMs.length} above 5 ms`;
  }
}

function pathOf(i: number): string {
  return `/bench/folder-${String(Math.floor(i / perFolder)).padStart(6, '0')}/node-${String(i % perFolder).padStart(8, '0')}`;
}

/** Runs `count` writes through `apply` in blocks; what it takes to make them is not counted, and the longest gap is. */
function run(label: string, count: number, make: (i: number) => Uint8Array, between?: () => void): void {
  const pauses = new Pauses();
  for (let done = 0; done < count;) {
    const writes: Uint8Array[] = [];
    for (let i = 0; i < batch && done + i < count; i++) writes.push(make(done + i));
    timeMs++;
    const block = blockOf(writes, { firstCounter: counter + 1, timeMs });
    pauses.begin();
    machine.apply(block);
    pauses.end();
    counter += writes.length;
    done += writes.length;
    between?.();
  }
  const micros = (pauses.at(0.5) * 1000) / Math.min(batch, count);
  const perSecond = Math.round(1_000_000 / micros)
    .toLocaleString('en')
    .padStart(10);
  console.log(`${label.padEnd(34)} ${perSecond}/s  ${micros.toFixed(2)} µs  a block of ${batch}: ${pauses}`);
}

function memory(): number {
  collect();
  return process.memoryUsage().rss;
}

function encode(command: Command, writeId?: WriteId): Uint8Array {
  return encodeCommand(command, { writeId });
}

/** Random but the same in each run. */
let state = 42;
function random(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return Math.floor((state / 0x8000_0000) * below);
}

const before = memory();
run('make folders', 1, () => encode({ kind: 'create', path: '/bench', data: null, mode: 'persistent' }));
run('make folders', Math.ceil(total / perFolder), (i) =>
  encode({ kind: 'create', path: pathOf(i * perFolder).slice(0, 20), data: null, mode: 'persistent' }),
);
run('create, 256 bytes', total, (i) => encode({ kind: 'create', path: pathOf(i), data: value, mode: 'persistent' }));
const after = memory();
console.log(`${machine.znodeCount} znodes: ${Math.round((after - before) / machine.znodeCount)} bytes each (RSS)`);

const setAny = (): Uint8Array => encode({ kind: 'set', path: pathOf(random(total)), data: value, expectedVersion: -1 });
const setHot = (): Uint8Array => encode({ kind: 'set', path: pathOf(random(1000)), data: value, expectedVersion: -1 });
const other = new Uint8Array(1024);
const setSizes = (): Uint8Array =>
  encode({ kind: 'set', path: pathOf(random(total)), data: other.subarray(0, random(512)), expectedVersion: -1 });

run('set, 1,000 hot nodes', 500_000, setHot);
run('set, any node', 500_000, setAny);
const clients = Array.from({ length: 64 }, (_, i) => `client-${String(i).padStart(15, '0')}`);
const named = (i: number): Uint8Array => {
  const requestId = Math.floor(i / clients.length) + 1;
  const writeId = { clientId: clients[i % clients.length]!, requestId, answeredThrough: Math.max(0, requestId - 16) };
  return encodeCommand({ kind: 'set', path: pathOf(random(1000)), data: value, expectedVersion: -1 }, { writeId });
};
run('set, hot, exactly once', 500_000, named);
run('set, any node, sizes 0 to 511', 500_000, setSizes);
console.log(`after that: ${Math.round((memory() - before) / machine.znodeCount)} bytes a znode (RSS)`);

function reads(label: string, below: number): void {
  const paths = Array.from({ length: 100_000 }, () => pathOf(random(below)));
  const pauses = new Pauses();
  for (let at = 0; at < 500_000; at += 100) {
    pauses.begin();
    for (let i = 0; i < 100; i++) machine.get(paths[(at + i) % paths.length]!);
    pauses.end();
  }
  const micros = (pauses.at(0.5) * 1000) / 100;
  console.log(
    `${label.padEnd(34)} ${Math.round(1_000_000 / micros)
      .toLocaleString('en')
      .padStart(10)}/s  ${micros.toFixed(2)} µs`,
  );
}
reads('get, 1,000 hot nodes', 1000);
reads('get, any node', total);

function list(): void {
  const pauses = new Pauses();
  for (let startAfter = ''; ;) {
    pauses.begin();
    const page = machine.children('/bench/big', { startAfter, limit: 1000 });
    pauses.end();
    if (page.kind === 'error') throw new Error(page.code);
    startAfter = page.children.at(-1)?.name ?? '';
    if (!page.more) break;
  }
  console.log(
    `list 100,000 children: a page of 1,000 ${pauses.at(0.5).toFixed(2)} ms, worst ${pauses.at(1).toFixed(2)} ms`,
  );
}
run('make one large folder', 1, () => encode({ kind: 'create', path: '/bench/big', data: null, mode: 'persistent' }));
run('create 100,000 children, random', 100_000, (i) =>
  encode({
    kind: 'create',
    path: `/bench/big/${(Math.imul(i, 0x9e3779b1) >>> 0).toString(16)}`,
    data: value,
    mode: 'persistent',
  }),
);
list();

const digest = machine.digest;
const snapshot = machine.snapshot();
const slices = new Pauses();
let bytes = 0;
const chunks: Uint8Array[] = [];
run('set, any node, during a snapshot', 200_000, setAny, () => {
  slices.begin();
  const step = snapshot.next();
  slices.end();
  if (step.done === true) return;
  bytes += step.value.length;
  chunks.push(step.value);
});
for (const chunk of snapshot) {
  bytes += chunk.length;
  chunks.push(chunk);
}
const sliceSum = slices.timesMs.reduce((sum, ms) => sum + ms, 0);
console.log(
  `snapshot: ${(bytes / 1e6).toFixed(0)} MB, ${chunks.length} slices, ${sliceSum.toFixed(0)} ms in all, ${slices}`,
);

const restored = new ZnodeStateMachine({ hashSeed: 54321 });
const pushes = new Pauses();
await restored.restore(
  (async function* () {
    for (const chunk of chunks) {
      pushes.begin();
      yield chunk;
      pushes.end();
    }
  })(),
);
const pushSum = pushes.timesMs.reduce((sum, ms) => sum + ms, 0);
console.log(
  `restore: ${pushSum.toFixed(0)} ms, a chunk: ${pushes}, digest ${restored.digest === digest ? 'equal' : 'DIFFERENT'}`,
);

function removeAll(): void {
  run('delete', total, (i) => encode({ kind: 'delete', path: pathOf(i), expectedVersion: -1 }));
  console.log(`after deleting: ${((memory() - before) / 1e6).toFixed(0)} MB above the start`);
}
removeAll();
