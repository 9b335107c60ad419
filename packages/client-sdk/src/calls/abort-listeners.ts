/** What is interrupted when a signal is aborted. */
export interface Interruptible {
  interrupt(reason: 'aborted'): void;
}

/**
 * One listener for each signal, however many calls share it: a thousand listeners on one signal cost, and make the runtime warn of a
 * leak that is none.
 */
export class AbortListeners {
  readonly #bySignal = new Map<AbortSignal, { readonly calls: Set<Interruptible>; readonly listener: () => void }>();

  add(signal: AbortSignal, call: Interruptible): void {
    const known = this.#bySignal.get(signal);
    if (known !== undefined) {
      known.calls.add(call);
      return;
    }
    const calls = new Set([call]);
    const listener = (): void => {
      for (const each of [...calls]) each.interrupt('aborted');
    };
    this.#bySignal.set(signal, { calls, listener });
    signal.addEventListener('abort', listener);
  }

  remove(signal: AbortSignal, call: Interruptible): void {
    const known = this.#bySignal.get(signal);
    if (known === undefined || !known.calls.delete(call) || known.calls.size > 0) return;
    this.#bySignal.delete(signal);
    signal.removeEventListener('abort', known.listener);
  }
}
