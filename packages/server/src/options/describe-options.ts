import { z } from 'zod';
import { optionsSchema } from './define-options.js';
import { optionMeta, type OptionKind } from './option-kinds.js';

/** One option as people meet it. */
export interface OptionDescription {
  /** In a file and in code: `limits.valueBytesMax`. */
  readonly key: string;
  /** `--limits-value-bytes-max` */
  readonly flag: string;
  /** `ZKL_LIMITS_VALUE_BYTES_MAX` */
  readonly environment: string;
  readonly kind: OptionKind;
  readonly allowed: string;
  /** The default, in words. */
  readonly fallback: string;
  readonly doc: string;
  readonly secret: boolean;
}

/** All options, in the schema's order. */
export function describeOptions(): readonly OptionDescription[] {
  return describeShape(optionsSchema.shape, '');
}

function describeShape(shape: Readonly<Record<string, z.core.$ZodType>>, prefix: string): OptionDescription[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const key = `${prefix}${name}`;
    if (schema instanceof z.ZodPrefault && schema.def.innerType instanceof z.ZodObject) {
      return describeShape(schema.def.innerType.shape, `${key}.`);
    }
    return [describe(key, schema)];
  });
}

function describe(key: string, schema: z.core.$ZodType): OptionDescription {
  const meta = optionMeta.get(schema);
  if (meta === undefined) throw new Error(`the option ${key} is not described`);
  const words = key.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return {
    key,
    flag: `--${words}`,
    environment: `ZKL_${words.replaceAll('-', '_').toUpperCase()}`,
    kind: meta.kind,
    allowed: meta.allowed,
    fallback: meta.fallback ?? fallbackOf(schema),
    doc: meta.doc,
    secret: meta.secret ?? false,
  };
}

function fallbackOf(schema: z.core.$ZodType): string {
  const value: unknown = schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
  return Array.isArray(value) ? value.join(',') : String(value);
}
