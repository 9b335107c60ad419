/** One number that can be set: its default and the least and the greatest value allowed, both included. */
export interface BoundedOption {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** Thrown for an option that is no whole number in its range. `option` names it. */
export class OptionRangeError extends RangeError {
  override readonly name = 'OptionRangeError';
  readonly code = 'OPTION_OUT_OF_RANGE';
  readonly option: string;

  constructor(option: string, value: unknown, range: BoundedOption) {
    super(`${option} is ${String(value)}, but must be a whole number from ${range.min} to ${range.max}`);
    this.option = option;
  }
}

/** Fills in the defaults and checks the ranges. Throws an `OptionRangeError`. Keys that the table does not know are ignored. */
export function resolveBounded<K extends string>(
  prefix: string,
  table: Readonly<Record<K, BoundedOption>>,
  given: { readonly [key in K]?: number | undefined } = {},
): Readonly<Record<K, number>> {
  const resolved: Partial<Record<K, number>> = {};
  for (const key of Object.keys(table) as K[]) {
    const range = table[key];
    const value = given[key] ?? range.default;
    if (!Number.isInteger(value) || value < range.min || value > range.max) {
      throw new OptionRangeError(`${prefix}.${key}`, value, range);
    }
    resolved[key] = value;
  }
  return resolved as Record<K, number>;
}
