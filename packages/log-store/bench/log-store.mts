/**
 * The log in the small: `node --import tsx -C @zkl/source packages/log-store/bench/log-store.mts [folder]`.
 * Prints the latency of `write` beside that of bare O_DSYNC writes of the same size to a preallocated file, in turns, so that both
 * meet the same disk; and how long a log of 500,000 writes takes to open. The folder must be on the disk in question.
 */
import { closeSync, constants, fsyncSync, mkdtempSync, openSync, rmSync, write as writeFd, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileLogStore, recordOf } from '@zkl/log-store';
import { BlockMaker, pattern } from '@zkl/consensus/testing';

const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'zkl-bench-'));

function percentile(sorted: readonly number[], share: number): string {
  return `${((sorted[Math.floor(sorted.length * share)] ?? 0) * 1000).toFixed(0)} µs`;
}

function line(name: string, timesMs: readonly number[]): void {
  const sorted = [...timesMs].sort((a, b) => a - b);
  console.log(
    `${name.padEnd(28)} p50 ${percentile(sorted, 0.5).padStart(8)}   p99 ${percentile(sorted, 0.99).padStart(8)}`,
  );
}

function writeAt(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    writeFd(fd, bytes, 0, bytes.byteLength, position, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Zero-filled, as a segment is. */
function preallocated(bytes: number): number {
  const path = join(root, 'bare');
  const filling = openSync(path, 'w');
  for (let at = 0; at < bytes; at += 1 << 20) writeSync(filling, new Uint8Array(1 << 20), 0, 1 << 20, at);
  fsyncSync(filling);
  closeSync(filling);
  return openSync(path, constants.O_RDWR | constants.O_DSYNC);
}

async function measureWrites(payloadBytes: number, rounds: number): Promise<void> {
  const store = new FileLogStore({ folder: join(root, `writes-${payloadBytes}`) });
  await store.open();
  const bare = preallocated(64 << 20);
  const maker = new BlockMaker();
  const [ours, theirs]: [number[], number[]] = [[], []];
  const payload = pattern(payloadBytes, 1);
  let position = 0;
  for (let round = 0; round < rounds; round += 1) {
    // Not made in the loop: what burns time just before a measurement pays for it with its turn on a busy machine.
    const block = { ...maker.next({ payloadBytes: 0 }), payload };
    const bytes = recordOf(block);
    let began = performance.now();
    await store.write({ blocks: [block] });
    ours.push(performance.now() - began);
    began = performance.now();
    await writeAt(bare, bytes, position);
    theirs.push(performance.now() - began);
    position = (position + bytes.byteLength) % (60 << 20);
  }
  closeSync(bare);
  await store.close();
  line(`write, ${payloadBytes} bytes`, ours);
  line(`bare O_DSYNC, ${payloadBytes} bytes`, theirs);
}

async function measureRecovery(): Promise<void> {
  const folder = join(root, 'recovery');
  const store = new FileLogStore({ folder });
  await store.open();
  const maker = new BlockMaker();
  for (let block = 0; block < 5_000; block += 50) {
    await store.write({ blocks: maker.several(50, { count: 100, payloadBytes: 30_000 }) });
  }
  const { sizeBytes } = store;
  await store.close();
  for (let round = 0; round < 3; round += 1) {
    const again = new FileLogStore({ folder });
    const began = performance.now();
    const recovered = await again.open();
    const ms = performance.now() - began;
    await again.close();
    console.log(
      `open ${recovered.lastZxid.counter} writes, ${(sizeBytes / 1e6).toFixed(0)} MB on disk: ${ms.toFixed(0)} ms`,
    );
  }
}

try {
  await measureWrites(300, 3_000);
  await measureWrites(65_536, 800);
  await measureRecovery();
} finally {
  rmSync(root, { recursive: true });
}
