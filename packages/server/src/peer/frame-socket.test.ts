import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FrameCursor } from './frame-cursor.js';
import { FrameSocket } from './frame-socket.js';
import { decodeMessage, encodeMessage } from './message-codec.js';
import type { PeerError } from './peer-error.js';
import { until } from './test-cluster.js';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const sizes = { frameBytesMax: 1 << 20, bufferedBytesMax: 1 << 20 };

/** Both ends of a connection. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const one = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [other] = (await once(server, 'connection')) as [Socket];
  closers.push(() => {
    one.destroy();
    other.destroy();
    server.close();
  });
  return [one, other];
}

describe('FrameSocket', () => {
  it('sends all frames of a turn in one write', async () => {
    const [socket, other] = await pair();
    const frames = new FrameSocket(socket, sizes);
    const writes = [vi.spyOn(socket, '_write'), vi.spyOn(socket, '_writev' as '_write')];
    const received: Buffer[] = [];
    new FrameSocket(other, sizes).read((frame) => received.push(frame));
    for (let count = 0; count < 100; count++) {
      encodeMessage(frames.writer, { kind: 'leaving', attempt: count });
      // A large part that is passed on without a copy.
      frames.writer.open(80, 0);
      frames.writer.seal(10_000);
      frames.writer.tail(new Uint8Array(10_000));
      frames.flushSoon();
    }
    expect(writes.flatMap((write) => write.mock.calls).length).toBe(0);
    await until(() => received.length === 200);
    expect(writes.flatMap((write) => write.mock.calls).length).toBe(1);
  });

  it('lets what is in no hurry leave with what comes next, in order, and by itself when nothing comes', async () => {
    const [socket, other] = await pair();
    const frames = new FrameSocket(socket, sizes);
    const write = vi.spyOn(socket, '_write');
    const attempts: number[] = [];
    new FrameSocket(other, sizes).read((frame) => {
      const message = decodeMessage(new FrameCursor(frame));
      if (message?.kind === 'leaving') attempts.push(message.attempt);
    });
    const say = (attempt: number): void => encodeMessage(frames.writer, { kind: 'leaving', attempt });
    say(1);
    frames.flushWithNext();
    say(2);
    frames.flushSoon();
    await until(() => attempts.length === 2);
    expect(write.mock.calls.length).toBe(1);
    say(3);
    frames.flushWithNext();
    await until(() => attempts.length === 3);
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('ends when too much waits, in a later step than the one that wrote', async () => {
    const [socket] = await pair();
    const frames = new FrameSocket(socket, sizes);
    let error: PeerError | undefined;
    frames.onClosed((reason) => (error = reason));
    frames.writer.open(80, 0);
    frames.writer.seal(2 << 20);
    frames.writer.tail(new Uint8Array(2 << 20));
    frames.flushSoon();
    expect(error).toBeUndefined();
    await until(() => error !== undefined);
    expect(error?.code).toBe('SLOW_PEER');
  });

  it('ends when the other side ends its half, and says so once', async () => {
    const [socket, other] = await pair();
    const errors: PeerError[] = [];
    const frames = new FrameSocket(other, sizes);
    frames.onClosed((error) => errors.push(error));
    frames.read(() => undefined);
    socket.end();
    await frames.whenClosed();
    expect(errors.map(({ code }) => code)).toEqual(['LINK_CLOSED']);
    let late: PeerError | undefined;
    frames.onClosed((error) => (late = error));
    await until(() => late !== undefined);
    expect(frames.error).toBe(late);
  });

  it('keeps what comes while nobody reads', async () => {
    const [socket, other] = await pair();
    const sender = new FrameSocket(socket, sizes);
    const reader = new FrameSocket(other, sizes);
    for (let count = 0; count < 5; count++) encodeMessage(sender.writer, { kind: 'leaving', attempt: count });
    sender.flush();
    const first = await reader.nextFrame();
    const second = await reader.nextFrame();
    const rest: Buffer[] = [];
    reader.read((frame) => rest.push(frame));
    await until(() => rest.length === 3);
    expect([first, second, ...rest].map((frame) => frame.readUInt32LE(5))).toEqual([0, 1, 2, 3, 4]);
  });
});
