import type fc from 'fast-check';

/**
 * A decoder, or a row of them, that bytes from outside reach.
 *
 * `run` gives the bytes to the decoder and answers with a word for what came of it (`ok`, or the code of the typed error). It throws for what
 * must not be: an untyped error, something decoded that does not encode to the same meaning, anything served that was never written.
 */
export interface FuzzTarget {
  /** Kebab-case; also its name on the command line. */
  readonly name: string;
  /** The files of the decoders, from the root of the repository: `decoders.test.ts` holds them against those there are. */
  readonly covers: readonly string[];
  /** Well-formed inputs, from which the others are made. */
  readonly valid: fc.Arbitrary<Uint8Array>;
  /** Makes checksums and lengths right again, so that mutations reach what lies behind them. Tried on half of the inputs. */
  readonly seal?: ((input: Uint8Array) => Uint8Array) | undefined;
  readonly run: (input: Uint8Array) => string | Promise<string>;
  /** Inputs that are larger are cut. Default 64 KiB. */
  readonly inputBytesMax?: number | undefined;
  /** What the bounded part in `npm test` tries; default 600. Dear targets take fewer. */
  readonly runs?: number | undefined;
  /** What one input may take beside 2 µs a byte, in milliseconds. Default 100. */
  readonly timeMsMax?: number | undefined;
  /** Memory is not looked at: others work in the same process. Default false. */
  readonly sharesProcess?: boolean | undefined;
  /** Ends what `run` keeps open: a server, say. */
  readonly close?: (() => Promise<void>) | undefined;
}

/** What must not be. */
export class FuzzFinding extends Error {
  override readonly name = 'FuzzFinding';
}

/** Throws a FuzzFinding unless it holds. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new FuzzFinding(what);
}

/** Text of the input: UTF-8, or UTF-16 with whatever lone surrogates it holds. */
export function textOf(input: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input);
  } catch {
    return Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('utf16le');
  }
}

/** Whether a string is without lone surrogates. */
export function isText(text: string): boolean {
  return !/\p{Cs}/u.test(text);
}

/** Bytes that `textOf` gives back. */
export function bytesOfText(text: string): Uint8Array {
  return isText(text) ? new Uint8Array(Buffer.from(text, 'utf8')) : new Uint8Array(Buffer.from(text, 'utf16le'));
}

/** The code of an error of this kind; throws all others. */
export function codeOf(error: unknown, kind: new (...args: never[]) => Error): string {
  if (!(error instanceof kind)) throw error;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : kind.name;
}
