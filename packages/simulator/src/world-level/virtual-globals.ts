import { createHash } from 'node:crypto';
import type { Machine, VirtualProcess } from './virtual-process.js';

/** Stands for what `setTimeout` and its like give out. */
class VirtualTimer {
  isActive = true;

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

type Callback = (...values: unknown[]) => void;

/**
 * Puts virtual time and seeded chance in the place of the globals that servers and clients use, until the returned function is called. A timer belongs to the
 * process that runs when it is set. All of it happens between two turns of the real event loop, so nobody else meets these globals.
 */
export function installGlobals(machine: Machine): () => void {
  const running = (): VirtualProcess => {
    if (machine.running === undefined) throw new Error('a clock was asked where no process runs');
    return machine.running;
  };
  const { random } = machine;
  const timeout = (callback: Callback, ms = 0, ...values: unknown[]): VirtualTimer => {
    const timer = new VirtualTimer();
    running().afterMs(ms, () => {
      if (!timer.isActive) return;
      timer.isActive = false;
      callback(...values);
    });
    return timer;
  };
  const interval = (callback: Callback, ms = 0, ...values: unknown[]): VirtualTimer => {
    const timer = new VirtualTimer();
    const owner = running();
    // As Node.js: what falls into a pause comes once, after it.
    const next = (): void =>
      owner.afterMs(ms, () => {
        if (!timer.isActive) return;
        callback(...values);
        next();
      });
    next();
    return timer;
  };
  const immediate = (callback: Callback, ...values: unknown[]): VirtualTimer => {
    const timer = new VirtualTimer();
    running().nextTurn(() => {
      if (timer.isActive) callback(...values);
    });
    return timer;
  };
  const clear = (timer: unknown): void => {
    if (timer instanceof VirtualTimer) timer.isActive = false;
  };
  const abortTimeout = (ms: number): AbortSignal => {
    const controller = new AbortController();
    timeout(() => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms);
    return controller.signal;
  };
  const undo = [
    replace(globalThis, 'setTimeout', timeout),
    replace(globalThis, 'setInterval', interval),
    replace(globalThis, 'setImmediate', immediate),
    replace(globalThis, 'clearTimeout', clear),
    replace(globalThis, 'clearInterval', clear),
    replace(globalThis, 'clearImmediate', clear),
    replace(performance, 'now', () => running().monotonicMs()),
    replace(Date, 'now', () => running().wallMs()),
    replace(Math, 'random', random.fraction),
    replace(AbortSignal, 'timeout', abortTimeout),
    replace(globalThis, 'crypto', seededCrypto(random.below.bind(random))),
  ];
  return () => {
    for (const restore of undo) restore();
  };
}

/** Random bytes from the seed; and a digest that is made at once: elsewhere it comes from another thread, whenever that is ready. */
function seededCrypto(below: (bound: number) => number) {
  return {
    getRandomValues: <T extends Uint8Array>(bytes: T): T => {
      for (let at = 0; at < bytes.byteLength; at++) bytes[at] = below(256);
      return bytes;
    },
    subtle: {
      digest: async (_algorithm: string, data: Uint8Array): Promise<ArrayBuffer> => {
        const { buffer, byteOffset, byteLength } = createHash('sha256').update(data).digest();
        return buffer.slice(byteOffset, byteOffset + byteLength);
      },
    },
  };
}

function replace(object: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, before);
  };
}
