import { badArguments, onlyKnown, show } from '../options/validate.js';

/**
 * Refuses options that a call does not have, and a signal that is none.
 *
 * @param names - The call's own options, beside those of every call.
 * @throws {@link BadArgumentsError}
 */
export function checkCallOptions(call: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw badArguments(`The options of ${call} are ${show(options)}`);
  onlyKnown(call, options, ['signal', 'timeoutMs', ...names]);
  const { signal } = options as { readonly signal?: Partial<AbortSignal> | null };
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw badArguments(`The signal of ${call} is ${show(signal)}`, 'Give an AbortSignal');
  }
}
