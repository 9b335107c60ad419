import { describe, expect, it } from 'vitest';
import { Handout } from './handout.js';
import { StepBuffer } from './step-buffer.js';
import type { ChangeEvent, WatchEvent, WatchStep } from './watch.js';

function step(zxid: number, ...paths: string[]): WatchStep {
  const events = paths.map((path): ChangeEvent => ({ type: 'set', path, zxid: BigInt(zxid) }));
  return { kind: 'events', zxid: BigInt(zxid), events };
}

const mark = (zxid: number): WatchStep => ({ kind: 'progress', zxid: BigInt(zxid) });

function start() {
  const seen = { zxids: [] as bigint[], left: 0, full: 0, room: 0 };
  const buffer = new StepBuffer(4, { onFull: () => (seen.full += 1), onRoom: () => (seen.room += 1) });
  const handout = new Handout<WatchEvent>(buffer, (each) => (each.kind === 'events' ? each.events : []), {
    onHandedOut: (zxid) => seen.zxids.push(zxid),
    onLeft: () => {
      seen.left += 1;
      // As a watch does.
      buffer.end(undefined);
    },
  });
  const next = async (): Promise<string> => {
    const { value, done } = await handout.next();
    return done === true ? 'done' : (value as ChangeEvent).path;
  };
  return { seen, buffer, handout, next };
}

describe('what a watch hands out', () => {
  it('is the same in the same order, whether it came before it was asked for or after', async () => {
    const { buffer, next, seen } = start();
    buffer.push(step(1, '/a', '/b'));
    buffer.push(step(2, '/c'));
    expect([await next(), await next(), await next()]).toEqual(['/a', '/b', '/c']);
    const waits = next();
    buffer.push(step(3, '/d', '/e'));
    buffer.push(step(4, '/f'));
    expect([await waits, await next(), await next()]).toEqual(['/d', '/e', '/f']);
    expect(seen.zxids).toEqual([1n, 2n, 3n, 4n]);
  });

  it('names a zxid when all of it was handed out, not before: to go on after it leaves nothing out', async () => {
    const { buffer, next, seen } = start();
    buffer.push(step(5, '/a', '/b'));
    await next();
    expect(seen.zxids).toEqual([]);
    await next();
    expect(seen.zxids).toEqual([5n]);
  });

  it('lets a mark of progress pass by whoever waits for an event', async () => {
    const { buffer, next, seen } = start();
    const waits = next();
    buffer.push(mark(7));
    expect(seen.zxids).toEqual([7n]);
    buffer.push(step(8, '/a'));
    expect(await waits).toBe('/a');
  });

  it('answers calls that were made before the last one was answered, in order', async () => {
    const { buffer, next } = start();
    const early = [next(), next(), next()];
    buffer.push(step(1, '/a'));
    const late = next();
    buffer.push(step(2, '/b'));
    buffer.push(step(3, '/c', '/d'));
    expect(await Promise.all([...early, late])).toEqual(['/a', '/b', '/c', '/d']);
  });

  it('hands out what there is before an error, the error once, and then nothing', async () => {
    const { buffer, next, seen } = start();
    buffer.push(step(1, '/a'));
    buffer.end(new Error('cut'));
    expect(await next()).toBe('/a');
    await expect(next()).rejects.toThrow('cut');
    expect(await next()).toBe('done');
    expect(seen.left).toBe(1);
  });

  it('gives the error to a call that waits, and ends those behind it', async () => {
    const { buffer, next } = start();
    const [first, second] = [next(), next()];
    buffer.end(new Error('cut'));
    await expect(first).rejects.toThrow('cut');
    expect(await second).toBe('done');
  });

  it('ends for those who wait when the consumer leaves, and takes nothing after that', async () => {
    const { buffer, handout, next, seen } = start();
    const waits = next();
    expect(await handout.return()).toEqual({ value: undefined, done: true });
    expect(await waits).toBe('done');
    buffer.push(step(1, '/a'));
    expect(await next()).toBe('done');
    expect(seen).toMatchObject({ left: 1, zxids: [] });
  });

  it('counts what waits in the buffer, and not what somebody waits for', async () => {
    const { buffer, next, seen } = start();
    for (let zxid = 1; zxid <= 20; zxid += 1) {
      const waits = next();
      buffer.push(step(zxid, '/a'));
      await waits;
    }
    expect(seen).toMatchObject({ full: 0, room: 0 });
    for (let zxid = 21; zxid <= 25; zxid += 1) buffer.push(step(zxid, '/a'));
    expect(seen).toMatchObject({ full: 1, room: 0 });
    for (let i = 0; i < 3; i += 1) await next();
    expect(seen.room).toBe(1);
  });
});
