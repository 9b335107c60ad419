import { describe, expect, it } from 'vitest';
import { AbortListeners } from './abort-listeners.js';
import { AdmissionQueue } from './admission-queue.js';
import { CallContext, type CallOwner } from './call-context.js';

function owner(): CallOwner {
  return { active: new Set(), abortListeners: new AbortListeners() };
}

function makeQueue(limits: Partial<ConstructorParameters<typeof AdmissionQueue>[0]> = {}): AdmissionQueue {
  return new AdmissionQueue({ inFlightMax: 2, bytesInFlightMax: 100, queuedMax: 3, bytesQueuedMax: 1_000, ...limits });
}

/** Lets what is resolved run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
}

describe('the queue before the wire', () => {
  it('lets in as many as there is room for, and then first come, first served', async () => {
    const queue = makeQueue();
    expect([queue.tryEnter(1), queue.tryEnter(1), queue.tryEnter(1)]).toEqual([true, true, false]);
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      void queue.enter(new CallContext(5_000, undefined, owner()), 1).then((how) => order.push(`${name} ${how}`));
    }
    expect(await queue.enter(new CallContext(5_000, undefined, owner()), 1)).toBe('full');
    queue.leave(1);
    await settle();
    expect(order).toEqual(['a entered']);
    expect(queue.tryEnter(1)).toBe(false);
    queue.leave(1);
    queue.leave(1);
    await settle();
    expect(order).toEqual(['a entered', 'b entered', 'c entered']);
  });

  it('bounds bytes, but lets one large call in alone', async () => {
    const queue = makeQueue();
    expect(queue.tryEnter(500)).toBe(true);
    expect(queue.tryEnter(1)).toBe(false);
    const next = queue.enter(new CallContext(5_000, undefined, owner()), 900);
    expect(await queue.enter(new CallContext(5_000, undefined, owner()), 101)).toBe('full');
    queue.leave(500);
    expect(await next).toBe('entered');
    queue.leave(900);
    expect(queue.tryEnter(60)).toBe(true);
    expect(queue.tryEnter(41)).toBe(false);
    expect(queue.tryEnter(40)).toBe(true);
  });

  it('lets the next one in when the large one before it gives up', async () => {
    const queue = makeQueue();
    expect(queue.tryEnter(90)).toBe(true);
    const controller = new AbortController();
    const large = queue.enter(new CallContext(5_000, controller.signal, owner()), 90);
    const small = queue.enter(new CallContext(5_000, undefined, owner()), 10);
    controller.abort();
    expect(await large).toBe('aborted');
    expect(await small).toBe('entered');
  });

  it('ends a wait at the deadline', async () => {
    const queue = makeQueue({ inFlightMax: 0 });
    expect(await queue.enter(new CallContext(20, undefined, owner()), 1)).toBe('elapsed');
  });
});

it('a thousand calls with one signal put one listener on it', () => {
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (...parameters: Parameters<typeof add>) => {
    listeners += 1;
    add(...parameters);
  };
  const calls = owner();
  const contexts = Array.from({ length: 1_000 }, () => new CallContext(1_000, signal, calls));
  expect(listeners).toBe(1);
  contexts[0]!.dispose();
  controller.abort();
  expect(contexts.filter(({ interrupted }) => interrupted === 'aborted')).toHaveLength(999);
});
