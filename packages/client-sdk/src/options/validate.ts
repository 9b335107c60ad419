import { makeError, type ZklError } from '../errors/zkl-error.js';

/** A call or an option that makes no sense. Nothing was sent. */
export function badArguments(message: string, hint?: string, path?: string): ZklError {
  return makeError({ code: 'BAD_ARGUMENTS', message, outcome: 'rejected', hint, path });
}

/** A whole number within bounds, or the default when it is undefined. @throws {@link BadArgumentsError} */
export function wholeNumber(name: string, value: unknown, least: number, most: number, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw badArguments(`${name} is ${show(value)}`, `Give a whole number from ${least} to ${most}`);
}

/** True or false, or the default when it is undefined. @throws {@link BadArgumentsError} */
export function flag(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  if (typeof value === 'boolean') return value;
  throw badArguments(`${name} is ${show(value)}`, 'Give true or false');
}

/** A zxid, or 0n when it is undefined. @throws {@link BadArgumentsError} */
export function zxid(name: string, value: unknown): bigint {
  if (value === undefined) return 0n;
  if (typeof value === 'bigint' && value >= 0n && value < 1n << 64n) return value;
  throw badArguments(`${name} is ${show(value)}`, 'Give the zxid of a result, a bigint');
}

/** @throws {@link BadArgumentsError} when a name is not one of those known: a typo must not be silently ignored. */
export function onlyKnown(what: string, given: object, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!known.includes(name))
      throw badArguments(`${what} has no option ${show(name)}`, `There are ${known.join(', ')}`);
  }
}

/** A value in a message: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || value === undefined) return String(value);
  const text = typeof value === 'string' ? JSON.stringify(value) : typeof value;
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
