import { isZklError } from '../errors/zkl-error.js';

/** What a promise comes to, or the signal's reason if that is first. The promise goes on by itself. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** The caller's signal and timeout as one signal; undefined when there is neither. */
export function limitOf(options: {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}) {
  const { signal, timeoutMs } = options;
  if (timeoutMs === undefined) return signal;
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

/** Why something was given up: the reason of the signal that ended it, in place of the error that says that one did. */
export function reasonOf(error: unknown, ...signals: readonly (AbortSignal | undefined)[]): unknown {
  if (!isZklError(error, 'ABORTED')) return error;
  const ended = signals.find((signal) => signal?.aborted === true);
  return ended === undefined ? error : ended.reason;
}
