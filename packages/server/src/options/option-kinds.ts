import { z } from 'zod';

/** How an option is written as text: on a command line, or in the environment. */
export type OptionKind = 'integer' | 'boolean' | 'text' | 'choice' | 'list' | 'members';

/** What people need to know of an option. The reference table, the command line's help and the errors are made from it. */
export interface OptionMeta {
  readonly kind: OptionKind;
  /** The values that are allowed, in words. */
  readonly allowed: string;
  readonly doc: string;
  /** The default in words, where it is not a plain value. */
  readonly fallback?: string;
  /** Never printed. */
  readonly secret?: boolean;
}

/** Holds what is said of each option. Filled once, by the schema's own module, and only read after that. */
export const optionMeta = z.registry<OptionMeta>();

function described<T extends z.ZodType>(schema: T, meta: OptionMeta): T {
  optionMeta.add(schema, meta);
  return schema;
}

const grouped = (value: number): string => value.toLocaleString('en-US');

/** A whole number in `min .. max`. */
export const integer = (min: number, max: number, fallback: number, doc: string) =>
  described(z.int().min(min).max(max).default(fallback), {
    kind: 'integer',
    allowed: `a whole number, ${grouped(min)} .. ${grouped(max)}`,
    doc,
  });

/** A whole number in `min .. max`, or nothing. */
export const optionalInteger = (min: number, max: number, fallback: string, doc: string) =>
  described(z.int().min(min).max(max).optional(), {
    kind: 'integer',
    allowed: `a whole number, ${grouped(min)} .. ${grouped(max)}`,
    doc,
    fallback,
  });

export const boolean = (fallback: boolean, doc: string) =>
  described(z.boolean().default(fallback), { kind: 'boolean', allowed: 'true or false', doc });

/** A text that matches `pattern`. */
export const text = (pattern: RegExp, allowed: string, fallback: string, doc: string) =>
  described(z.string().regex(pattern).default(fallback), { kind: 'text', allowed, doc });

/** A text that matches `pattern`, or nothing. */
export const optionalText = (pattern: RegExp, allowed: string, fallback: string, doc: string, secret = false) =>
  described(z.string().regex(pattern).optional(), { kind: 'text', allowed, doc, fallback, secret });

export const choice = <const T extends readonly [string, ...string[]]>(values: T, fallback: T[number], doc: string) =>
  described(z.enum(values).default(fallback as never), { kind: 'choice', allowed: values.join(', '), doc });

/** Texts that match `pattern`. */
export const list = (pattern: RegExp, allowed: string, fallback: readonly string[], doc: string) =>
  described(
    z
      .array(z.string().regex(pattern))
      .max(100)
      .default([...fallback]),
    { kind: 'list', allowed, doc },
  );

/** Anything that `parse` can read; it throws an Error that says why not. */
export const parsed = <I, O>(parse: (value: unknown) => O, meta: OptionMeta) =>
  described(
    z
      .custom<I>((value) => value !== undefined)
      .transform((value, context): O => {
        try {
          return parse(value);
        } catch (error) {
          context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
          return z.NEVER;
        }
      })
      .optional(),
    meta,
  );
