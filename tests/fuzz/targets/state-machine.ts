import { SnapshotDamagedError, ZnodeStateMachine } from '@zkl/state-machine';
import { encodeCommand, encodeResult, decodeResult, isValidPath } from '@zkl/wire';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { WordHasher } from '../../../packages/state-machine/src/hash.js';
import { HEADER_BYTES } from '../../../packages/state-machine/src/snapshot-format.js';
import { blockOf } from '../../../packages/state-machine/src/testing/blocks.js';
import { command } from '../../../packages/wire/src/testing/arbitraries.js';
import { joinOperations } from '../../../packages/consensus/src/node/payload.js';
import { codeOf, must, type FuzzTarget } from '../engine/target.js';

const LIMITS = {
  sessionsMax: 100,
  clientsMax: 100,
  quotasMax: 10,
  recursiveNodesMax: 100,
  transactionBytesMax: 65_536,
};
const SESSION = { epoch: 1, counter: 1 };
const PATHS = ['/a', '/a/b', '/a/b/c', '/__proto__', '/constructor', '/a/__proto__/x', '/toString', '/zkl/register'];

/** Commands that have an effect: paths that lead somewhere, a session that is there. */
const useful = command.chain((one) =>
  fc
    .constantFrom(...PATHS)
    .map((path) =>
      'path' in one ? { ...one, path, ...('expectedVersion' in one ? { expectedVersion: -1 } : {}) } : one,
    ),
);

const writes = fc
  .array(
    fc.tuple(useful, fc.boolean()).map(([one, named]) =>
      encodeCommand(one as never, {
        session: SESSION,
        ...(named ? { writeId: { clientId: '__proto__', requestId: 1, answeredThrough: 0 } } : {}),
      }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((list) => {
    const open = encodeCommand({ kind: 'sessionOpen', timeoutMs: 1_000, secretHash: new Uint8Array(32) });
    const all = [open, ...list];
    return joinOperations(
      all,
      all.reduce((sum, one) => sum + one.length, 0),
    );
  });

function countOf(payload: Uint8Array): number {
  let count = 0;
  for (let at = 0; at + 4 <= payload.length && count < 50; count += 1) at += 4 + Buffer.from(payload).readUInt32LE(at);
  return Math.max(1, count);
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 4_096) yield await Promise.resolve(bytes.subarray(at, at + 4_096));
}

function snapshotOf(machine: ZnodeStateMachine): Uint8Array {
  return new Uint8Array(Buffer.concat(Array.from(machine.snapshot(), (chunk) => chunk.slice())));
}

/** A state whose snapshot gives itself back, and whose paths are all paths. */
async function checkState(machine: ZnodeStateMachine): Promise<void> {
  const twin = new ZnodeStateMachine({ limits: LIMITS });
  await twin.restore(chunksOf(snapshotOf(machine)));
  must(twin.digest === machine.digest, 'a restored state has another digest');
  must(twin.znodeCount === machine.znodeCount, 'a restored state has other nodes');
  for (const path of ['/', ...PATHS]) {
    const listed = machine.children(path, { withStat: true, withData: true });
    if (!('children' in listed)) continue;
    for (const { name } of listed.children) must(isValidPath(`/${name}`), `a child is named ${JSON.stringify(name)}`);
    must(isDeepStrictEqual(twin.get(path), machine.get(path)), 'a restored node differs');
  }
}

const apply: FuzzTarget = {
  name: 'state-apply',
  covers: ['write-applier', 'transaction-applier', 'session-applier', 'exactly-once'].map(
    (file) => `packages/state-machine/src/${file}.ts`,
  ),
  valid: writes,
  inputBytesMax: 8_192,
  runs: 300,
  run: async (input) => {
    const machine = new ZnodeStateMachine({ limits: LIMITS });
    const block = { ...blockOf([]), count: countOf(input), payload: input };
    const results = machine.apply(block);
    must(results.length === block.count, 'not one result for each write');
    for (const result of results)
      must(isDeepStrictEqual(decodeResult(encodeResult(result)), result), 'a result that cannot be told');
    const again = new ZnodeStateMachine({ limits: LIMITS, lookaheadZnodesMin: 1 });
    must(isDeepStrictEqual(again.apply(block), results) && again.digest === machine.digest, 'two servers disagree');
    const quiet = new ZnodeStateMachine({ limits: LIMITS });
    must(quiet.apply(block, false).length === 0 && quiet.digest === machine.digest, 'the results change the state');
    await checkState(machine);
    return results
      .map((result) => (result.kind === 'error' ? result.code : result.kind))
      .slice(-2)
      .join();
  },
};

/** A snapshot of something of everything. */
const snapshot = writes.map((payload) => {
  const machine = new ZnodeStateMachine({ limits: LIMITS });
  machine.apply({ ...blockOf([]), count: countOf(payload), payload });
  return snapshotOf(machine);
});

/** After the frame of the chunk; the counts of slots, nodes, clients and sessions end the header. */
const HEADER_SLOTS_AT = 8 + HEADER_BYTES - 4 * 4;

/** Puts all into one chunk, with its checksum. The number of slots stays small: it is the leader's, whose checksum stands for it. */
function sealSnapshot(input: Uint8Array): Uint8Array {
  const body = input.length > 8 ? input.length - 8 : 0;
  const words = new Int32Array(((body + 3) >> 2) + 2);
  const frame = new Uint8Array(words.buffer);
  frame.set(input.subarray(0, body + 8));
  const view = new DataView(words.buffer);
  if (body > HEADER_SLOTS_AT) view.setUint32(HEADER_SLOTS_AT, view.getUint32(HEADER_SLOTS_AT, true) % 4_096, true);
  view.setUint32(0, body, true);
  const hasher = new WordHasher();
  hasher.hash(words, 2, (body + 3) >> 2, body, 0, 0);
  view.setInt32(4, hasher.a, true);
  return frame.slice(0, body + 8);
}

const restore: FuzzTarget = {
  name: 'state-snapshot',
  covers: ['snapshot-reader', 'frame-reader', 'node-restorer'].map((file) => `packages/state-machine/src/${file}.ts`),
  valid: snapshot,
  seal: sealSnapshot,
  runs: 300,
  run: async (input) => {
    const machine = new ZnodeStateMachine({ limits: LIMITS });
    const before = machine.digest;
    try {
      await machine.restore(chunksOf(input));
    } catch (error) {
      must(machine.digest === before, 'half a snapshot was taken in');
      return error instanceof SnapshotDamagedError
        ? error.message.replace(/\d+/g, 'n')
        : codeOf(error, SnapshotDamagedError);
    }
    await checkState(machine);
    return 'restored';
  },
};

/** The replicated state. */
export const stateMachineTargets: readonly FuzzTarget[] = [apply, restore];
