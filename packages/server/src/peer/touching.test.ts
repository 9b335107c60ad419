import { afterEach, describe, expect, it } from 'vitest';
import type { SessionTouch } from '../session/session-keeper.js';
import { FRAME_LENGTH_BYTES } from './frame.js';
import { FrameCursor } from './frame-cursor.js';
import { FrameWriter } from './frame-writer.js';
import { TestCluster, until, type RecordedEvents } from './test-cluster.js';
import {
  decodeTouch,
  decodeTouchAck,
  encodeTouch,
  encodeTouchAck,
  TOUCHES_MAX,
  type TouchAnswer,
} from './touch-codec.js';
import type { TouchReply } from './touching.js';

const clusters: TestCluster[] = [];

afterEach(async () => {
  for (const cluster of clusters.splice(0)) await cluster.close();
});

async function start(): Promise<{ cluster: TestCluster; events: Map<number, RecordedEvents> }> {
  const cluster = await TestCluster.open([1, 2]);
  clusters.push(cluster);
  return { cluster, events: await cluster.start() };
}

const touchOf = (counter: number, attachment = 1): SessionTouch => ({ session: { epoch: 1, counter }, attachment });

function framed(write: (writer: FrameWriter) => void): FrameCursor {
  const writer = new FrameWriter();
  write(writer);
  return new FrameCursor(Buffer.concat(writer.take()).subarray(FRAME_LENGTH_BYTES));
}

describe('touches between servers', () => {
  it('reach the leader with their attachments, and its answer comes back', async () => {
    const { cluster } = await start();
    const served: unknown[] = [];
    cluster.get(2).transport.onTouch = (from, touches, reply) => {
      served.push([from, touches]);
      reply({ kind: 'noted', refused: [{ index: 1, why: 'moved' }] });
    };
    const replies: TouchReply[] = [];
    const touches = [touchOf(1), touchOf(2, Number.MAX_SAFE_INTEGER)];
    cluster.get(1).transport.touch(2, touches, (reply) => replies.push(reply));
    expect(replies).toEqual([]);
    await until(() => replies.length === 1);
    expect(served).toEqual([[1, touches]]);
    expect(replies).toEqual([{ kind: 'noted', refused: [{ index: 1, why: 'moved' }] }]);
  });

  it('are lost with the links: no answer comes that could be built on', async () => {
    const { cluster, events } = await start();
    const answers: ((answer: TouchAnswer) => void)[] = [];
    cluster.get(2).transport.onTouch = (_from, _touches, reply) => void answers.push(reply);
    const replies: TouchReply[] = [];
    cluster.get(1).transport.touch(2, [touchOf(1)], (reply) => replies.push(reply));
    await until(() => answers.length === 1);
    cluster.disconnect(1, 2);
    await until(() => replies.length === 1);
    expect(replies).toEqual([{ kind: 'lost' }]);
    await until(() => events.get(1)!.up.has(2) && events.get(2)!.up.has(1));
    // The answer of before the loss goes nowhere: a batch after it hears its own.
    answers[0]!({ kind: 'noted', refused: [] });
    cluster.get(1).transport.touch(2, [touchOf(2)], (reply) => replies.push(reply));
    await until(() => answers.length === 2);
    answers[1]!({ kind: 'notLeader' });
    await until(() => replies.length === 2);
    expect(replies[1]).toEqual({ kind: 'notLeader' });
  });

  it('to a server that is not connected are lost, later', async () => {
    const { cluster } = await start();
    const replies: TouchReply[] = [];
    cluster.get(1).transport.touch(9, [touchOf(1)], (reply) => replies.push(reply));
    expect(replies).toEqual([]);
    await until(() => replies.length === 1);
    expect(replies).toEqual([{ kind: 'lost' }]);
  });

  it('tells the server of a stream that another has taken its place', async () => {
    const { cluster } = await start();
    const told: unknown[] = [];
    cluster.get(1).transport.onMoved = (from, moved) => void told.push([from, moved]);
    cluster.get(2).transport.tellMoved(1, [touchOf(7, 3)]);
    await until(() => told.length === 1);
    expect(told).toEqual([[2, [touchOf(7, 3)]]]);
  });

  it('keeps frames within their bounds', () => {
    const many = Array.from({ length: TOUCHES_MAX }, (_, index) => touchOf(index));
    expect(decodeTouch(framed((writer) => encodeTouch(writer, { batch: 7, touches: many })))).toEqual({
      batch: 7,
      touches: many,
    });
    const tooMany = framed((writer) => encodeTouch(writer, { batch: 7, touches: [...many, touchOf(0)] }));
    expect(() => decodeTouch(tooMany)).toThrow(/16384 are allowed/);
    const ack = { batch: 1, answer: { kind: 'noted' as const, refused: [{ index: 3, why: 'expired' as const }] } };
    expect(decodeTouchAck(framed((writer) => encodeTouchAck(writer, ack)))).toEqual(ack);
  });
});
