import { describe, expect, it } from 'vitest';
import { withResolvers } from '../calls/with-resolvers.js';
import { Callout } from './callout.js';
import { StepBuffer } from './step-buffer.js';
import type { ChangeEvent, WatchEvent, WatchStep } from './watch.js';

function step(zxid: number, ...paths: string[]): WatchStep {
  const events = paths.map((path): ChangeEvent => ({ type: 'set', path, zxid: BigInt(zxid) }));
  return { kind: 'events', zxid: BigInt(zxid), events };
}

const mark = (zxid: number): WatchStep => ({ kind: 'progress', zxid: BigInt(zxid) });

type Listener = (path: string, buffer: StepBuffer) => unknown;

function start(listener: Listener = () => undefined, before: (buffer: StepBuffer) => void = () => undefined) {
  const seen = { paths: [] as string[], zxids: [] as bigint[], left: 0, full: 0, room: 0 };
  const buffer = new StepBuffer(4, { onFull: () => (seen.full += 1), onRoom: () => (seen.room += 1) });
  before(buffer);
  const call = (event: WatchEvent): unknown => {
    const { path } = event as ChangeEvent;
    seen.paths.push(path);
    return listener(path, buffer);
  };
  const callout = new Callout<WatchEvent>(buffer, (each) => (each.kind === 'events' ? each.events : []), call, {
    onHandedOut: (zxid) => seen.zxids.push(zxid),
    onLeft: () => {
      if (buffer.ended === undefined) seen.left += 1;
      // As a watch does.
      buffer.end(undefined);
    },
  });
  return { seen, buffer, over: callout.over };
}

/** All that waits for its turn has had it. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('calling a listener', () => {
  it('tells what had come before it, but not from within the call that began it', async () => {
    const { seen } = start(undefined, (buffer) => {
      buffer.push(step(1, '/a', '/b'));
      buffer.push(step(2, '/c'));
    });
    expect(seen.paths).toEqual([]);
    await turn();
    expect(seen).toMatchObject({ paths: ['/a', '/b', '/c'], zxids: [1n, 2n] });
  });

  it('keeps what comes before its first turn in order with what comes after', async () => {
    const { seen, buffer } = start(undefined, (each) => each.push(step(1, '/a')));
    buffer.push(step(2, '/b'));
    await turn();
    buffer.push(step(3, '/c'));
    expect(seen.paths).toEqual(['/a', '/b', '/c']);
  });

  it('calls at once, as it comes, one that returns nothing', async () => {
    const { seen, buffer } = start();
    await turn();
    for (let zxid = 1; zxid <= 20; zxid += 1) buffer.push(step(zxid, `/${zxid}`));
    expect(seen.paths).toEqual(Array.from({ length: 20 }, (_, index) => `/${index + 1}`));
    expect(seen).toMatchObject({ full: 0, room: 0 });
  });

  it('names a zxid when the last event of it is told, not before, and also that of a mark', async () => {
    const zxids: bigint[][] = [];
    const { seen, buffer } = start(() => void zxids.push([...seen.zxids]));
    await turn();
    buffer.push(step(5, '/a', '/b'));
    buffer.push(mark(6));
    expect(zxids).toEqual([[], [5n]]);
    expect(seen.zxids).toEqual([5n, 6n]);
  });

  it('holds the next event back until what the listener returned has resolved; meanwhile the buffer fills', async () => {
    const waits = [withResolvers<void>(), withResolvers<void>()];
    const { seen, buffer } = start((path) =>
      path === '/a' ? waits[0]?.promise : path === '/b' ? waits[1]?.promise : 0,
    );
    await turn();
    buffer.push(step(1, '/a', '/b', '/c'));
    for (let zxid = 2; zxid <= 6; zxid += 1) buffer.push(step(zxid, `/${zxid}`));
    await turn();
    expect(seen).toMatchObject({ paths: ['/a'], zxids: [], full: 1, room: 0 });
    waits[0]?.resolve();
    await turn();
    expect(seen).toMatchObject({ paths: ['/a', '/b'], zxids: [], room: 0 });
    waits[1]?.resolve();
    await turn();
    expect(seen.paths).toEqual(['/a', '/b', '/c', '/2', '/3', '/4', '/5', '/6']);
    expect(seen).toMatchObject({ zxids: [1n, 2n, 3n, 4n, 5n, 6n], full: 1, room: 1 });
  });

  it('tells what comes while it is being called after what it is being told', async () => {
    const { seen, buffer } = start((path, own) => {
      if (path === '/a') own.push(step(2, '/c'));
    });
    await turn();
    buffer.push(step(1, '/a', '/b'));
    expect(seen).toMatchObject({ paths: ['/a', '/b', '/c'], zxids: [1n, 2n] });
  });

  it('tells what was there when the watch ends from within the listener, then rejects, and tells nothing after that', async () => {
    const { seen, buffer, over } = start((path, own) => {
      if (path === '/a') own.end(new Error('aborted'));
    });
    await turn();
    buffer.push(step(1, '/a', '/b'));
    await expect(over).rejects.toThrow('aborted');
    buffer.push(step(2, '/c'));
    await turn();
    expect(seen).toMatchObject({ paths: ['/a', '/b'], zxids: [1n] });
  });

  it('tells what waits before an error that comes while the listener is waited for', async () => {
    const wait = withResolvers<void>();
    const { seen, buffer, over } = start((path) => (path === '/a' ? wait.promise : undefined));
    await turn();
    buffer.push(step(1, '/a'));
    buffer.push(step(2, '/b'));
    buffer.end(new Error('cut'));
    await turn();
    expect(seen.paths).toEqual(['/a']);
    wait.resolve();
    await expect(over).rejects.toThrow('cut');
    expect(seen.paths).toEqual(['/a', '/b']);
  });

  it('rejects with the error of a watch that had ended before, after what had come', async () => {
    const { seen, over } = start(undefined, (buffer) => {
      buffer.push(step(1, '/a'));
      buffer.end(new Error('cut'));
    });
    await expect(over).rejects.toThrow('cut');
    expect(seen.paths).toEqual(['/a']);
  });

  it('resolves when the watch ends in order', async () => {
    const { buffer, over } = start();
    await turn();
    buffer.end(undefined);
    await expect(over).resolves.toBeUndefined();
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('mine'))],
    [
      'throws',
      () => {
        throw new Error('mine');
      },
    ],
    [
      'returns what cannot be awaited',
      () =>
        Object.defineProperty({}, 'then', {
          get() {
            throw new Error('mine');
          },
        }),
    ],
  ])('ends the watch when the listener %s, and tells nothing after that', async (_, fail) => {
    const { seen, buffer, over } = start((path) => (path === '/b' ? fail() : undefined));
    const failed = expect(over).rejects.toThrow('mine');
    await turn();
    buffer.push(step(1, '/a', '/b', '/c'));
    buffer.push(step(2, '/d'));
    await failed;
    buffer.push(step(3, '/e'));
    await turn();
    expect(seen).toMatchObject({ paths: ['/a', '/b'], left: 1, zxids: [] });
  });
});
