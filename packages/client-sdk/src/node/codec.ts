import type { DataInput } from '../client/client.js';
import { decodeText } from '../codec/data.js';
import { makeError } from '../errors/zkl-error.js';

/** How the values of one type stand in a znode's data. */
export interface Codec<T> {
  /** The data of a value. What it throws is `INVALID_VALUE`. */
  readonly encode: (value: T) => DataInput | Promise<DataInput>;
  /** The value of data; null is no data. What it throws is `INVALID_VALUE`. */
  readonly decode: (data: Uint8Array | null) => T | Promise<T>;
}

/** A validator of the Standard Schema (https://standardschema.dev), version 1, as Zod, Valibot, ArkType and others are. */
export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

type StandardResult<T> =
  { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] };

/** Text as UTF-8; null data are `''`. */
export const textCodec: Codec<string> = { encode: (value) => value, decode: decodeText };

/** Bytes as they are; null data are no bytes. */
export const bytesCodec: Codec<Uint8Array> = { encode: (value) => value, decode: (data) => data ?? new Uint8Array(0) };

/**
 * JSON in UTF-8.
 *
 * @param schema - Checks what is written and what was read. Default: nothing is checked, and the type is believed.
 */
export function jsonCodec<T>(schema?: StandardSchema<T>): Codec<T> {
  const checked = async (value: unknown): Promise<T> => {
    if (schema === undefined) return value as T;
    const result = await schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    throw new TypeError(result.issues.map(({ message }) => message).join('; '));
  };
  return {
    encode: async (value) => {
      const text = JSON.stringify(await checked(value)) as string | undefined;
      if (text === undefined) throw new TypeError('The value has no JSON');
      return text;
    },
    decode: (data) => checked(JSON.parse(decodeText(data))),
  };
}

/** A codec, or the JSON codec of a schema. */
export function toCodec<T>(given: Codec<T> | StandardSchema<T>): Codec<T> {
  return '~standard' in given ? jsonCodec(given) : given;
}

/** Runs a step of a codec. @throws {@link ZklError} `INVALID_VALUE` */
export async function convert<R>(path: string, what: string, step: () => R | Promise<R>): Promise<R> {
  try {
    return await step();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw makeError({ code: 'INVALID_VALUE', message: `${what}: ${why}`, outcome: 'rejected', path, cause });
  }
}
