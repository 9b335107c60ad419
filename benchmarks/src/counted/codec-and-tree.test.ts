import { ChangeHistory, ZnodeStateMachine } from '@zkl/state-machine';
import { appendWrite, ByteWriter, CommandReader, encodeCommand, OperationReader, type Command } from '@zkl/wire';
import { expect, test } from 'vitest';
import { allocatedBytes } from './allocated-bytes.js';

const BLOCK = 64;
const value = new Uint8Array(256).fill(122);
const paths = Array.from({ length: 1_000 }, (_, index) => `/bench/node-${String(index).padStart(12, '0')}`);
const sets = paths.map((path): Command => ({ kind: 'set', path, data: value, expectedVersion: -1 }));
const clientId = 'AAAAAAAAAAAAAAAAAAAAAA';

const set = (index: number): Command => sets[index % sets.length] as Command;

function print(what: string, bytes: number): number {
  console.log(`${what}: ${bytes.toFixed(0)} bytes allocated each`);
  return bytes;
}

test('a client appends a write to its message without making anything', () => {
  const writer = new ByteWriter(1 << 20);
  const writeId = { clientId, requestId: 0, answeredThrough: 0 };
  const tags = { writeId };
  const bytes = allocatedBytes((index) => {
    if (index % BLOCK === 0) writer.reset();
    writeId.requestId = index + 1;
    appendWrite(set(index), tags, writer);
  });
  expect(print('append a write', bytes)).toBeLessThan(1);
});

test('a server goes over the operations of a message, and reads their commands, without making anything', () => {
  const writer = new ByteWriter(1 << 20);
  for (let index = 0; index < BLOCK; index += 1) appendWrite(set(index), {}, writer);
  const message = writer.bytes.slice(0, writer.length);
  const [operations, command] = [new OperationReader(), new CommandReader()];
  let read = 0;
  const bytes = allocatedBytes(() => {
    operations.reset(message);
    while (operations.next()) read += command.read(operations.bytes, operations.bodyStart, operations.bodyEnd) ? 1 : 0;
  });
  expect(read).toBeGreaterThan(BLOCK);
  expect(print('go over a message', bytes)).toBeLessThan(1);
});

/** A block of sets, as it comes from the log. */
function payloadOf(first: number, numbered: boolean): Uint8Array {
  const writes = Array.from({ length: BLOCK }, (_, at) => {
    const requestId = first + at + 1;
    const writeId = { clientId, requestId, answeredThrough: Math.max(0, requestId - 512) };
    return encodeCommand(set(first + at), numbered ? { writeId } : {});
  });
  const payload = new Uint8Array(writes.reduce((sum, bytes) => sum + 4 + bytes.length, 0));
  const view = new DataView(payload.buffer);
  let at = 0;
  for (const bytes of writes) {
    view.setUint32(at, bytes.length, true);
    payload.set(bytes, at + 4);
    at += 4 + bytes.length;
  }
  return payload;
}

/** Bytes that a server's tree allocates for each write of a block, its result included if it is wanted. */
function bytesAWrite(numbered: boolean, history: ChangeHistory | undefined, wanted = true): number {
  const machine = new ZnodeStateMachine({ hashSeed: 1, history });
  let counter = 0;
  const block = (payload: Uint8Array, count: number) => {
    const fields = { epoch: 1, leader: 1, firstCounter: counter + 1, timeMs: 1_000 };
    const results = machine.apply({ ...fields, count, payload }, wanted);
    counter += count;
    const bad = results.find(({ kind }) => kind === 'error');
    if (bad !== undefined) throw new Error(JSON.stringify(bad));
  };
  const create = (path: string): void => {
    const command = encodeCommand({ kind: 'create', path, data: value, mode: 'persistent' });
    const payload = new Uint8Array(4 + command.length);
    new DataView(payload.buffer).setUint32(0, command.length, true);
    payload.set(command, 4);
    block(payload, 1);
  };
  for (const path of ['/bench', ...paths]) create(path);
  const [warmCalls, calls, rounds] = [500, 16, 15];
  // Made before anything is counted.
  const payloads = Array.from({ length: warmCalls + calls * rounds }, (_, at) => payloadOf(at * BLOCK, numbered));
  const whole = allocatedBytes((index) => block(payloads[index] as Uint8Array, BLOCK), { warmCalls, calls, rounds });
  return whole / BLOCK;
}

// About a quarter above what it is: its result is most of it.
test('applying a write allocates little beside its result', () => {
  expect(print('apply a set', bytesAWrite(false, undefined))).toBeLessThan(600);
  expect(print('apply a set, exactly once', bytesAWrite(true, undefined))).toBeLessThan(600);
  const kept = bytesAWrite(true, new ChangeHistory());
  expect(print('apply a set, exactly once, kept for watches', kept)).toBeLessThan(720);
});

test('applying a write whose result nobody waits for makes hardly anything', () => {
  expect(print('apply a set quietly, exactly once', bytesAWrite(true, undefined, false))).toBeLessThan(140);
  const kept = bytesAWrite(true, new ChangeHistory(), false);
  expect(print('apply a set quietly, exactly once, kept for watches', kept)).toBeLessThan(260);
});
