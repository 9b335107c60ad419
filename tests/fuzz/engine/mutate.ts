import type { Random } from './random.js';

/** Words that decoders stumble over: names of objects, odd paths, numbers at the edge, deep nesting, what protocols begin with. */
const WORDS: readonly Uint8Array[] = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '{"__proto__":{"polluted":1}}'],
  ...['..', '/../', '/./', '//', '\0', '/\0', '%2e%2e', '\ufeff', '\u202e', '\u{1f600}', '\uffff'],
  ...[
    '-1',
    '0',
    '1e999',
    '9007199254740993',
    '18446744073709551616',
    'NaN',
    '0x',
    '-0',
    '1_000',
    '&a *a',
    '!!js/function',
  ],
  ...['[[[[[[[[', '{"a":{"a":{"a":', '"', "'", '\\', '\\u0000', '\n', '\r\n', '#', ' ', ',', '=', ':', '/'],
].map((text) => new Uint8Array(Buffer.from(text)));

const LONE_AND_OVERLONG: readonly Uint8Array[] = [
  [0xed, 0xa0, 0x80],
  [0xc0, 0xaf],
  [0xe0, 0x80, 0xaf],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0, 0, 0, 0],
].map((bytes) => new Uint8Array(bytes));

const NUMBERS = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

function spliced(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - removed + added.length);
  result.set(bytes.subarray(0, at));
  result.set(added, at);
  result.set(bytes.subarray(at + removed), at + added.length);
  return result;
}

function part(bytes: Uint8Array, random: Random, most = bytes.length): Uint8Array {
  const from = random.below(bytes.length);
  return bytes.subarray(from, from + 1 + random.below(Math.min(most, bytes.length - from)));
}

/** A number in place of what stood there, as lengths and counts are written: 1, 2, 4 or 8 bytes, either order, or a varint. */
function otherNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const value = random.below(3) === 0 ? random.below(bytes.length * 2 + 2) : random.pick(NUMBERS);
  const width = random.pick([1, 2, 4, 4, 8]);
  const number = Buffer.alloc(width);
  const low = value % 2 ** (8 * Math.min(width, 4));
  const isBig = random.below(3) === 0;
  const bytesMax = Math.min(width, 4);
  if (isBig) number.writeUIntBE(low, width - bytesMax, bytesMax);
  else number.writeUIntLE(low, 0, bytesMax);
  return overwritten(bytes, random.below(bytes.length), number);
}

function overwritten(bytes: Uint8Array, at: number, by: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set(by.subarray(0, Math.max(0, copy.length - at)), at);
  return copy;
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => bytes.slice(0, random.below(bytes.length + 1)),
  (bytes, random) => bytes.slice(random.below(bytes.length + 1)),
  (bytes, random) => {
    const copy = bytes.slice();
    const at = random.below(bytes.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  (bytes, random) => overwritten(bytes, random.below(bytes.length), new Uint8Array([random.below(256)])),
  (bytes, random) =>
    overwritten(bytes, random.below(bytes.length), new Uint8Array([(bytes[random.below(bytes.length)] ?? 0) + 1])),
  otherNumber,
  otherNumber,
  (bytes, random) => spliced(bytes, random.below(bytes.length + 1), 0, random.pick(WORDS)),
  (bytes, random) => spliced(bytes, random.below(bytes.length + 1), 0, random.pick(LONE_AND_OVERLONG)),
  (bytes, random) => overwritten(bytes, random.below(bytes.length), random.pick(LONE_AND_OVERLONG)),
  (bytes, random) => {
    const at = random.below(bytes.length);
    return spliced(bytes, at, 1 + random.below(Math.min(16, bytes.length - at)), new Uint8Array(0));
  },
  // A piece of another input, in between or over what was there.
  (bytes, random, other) => spliced(bytes, random.below(bytes.length + 1), 0, part(other, random)),
  (bytes, random, other) => overwritten(bytes, random.below(bytes.length), part(other, random)),
  (bytes, random, other) => {
    const at = random.below(bytes.length + 1);
    return spliced(bytes, at, bytes.length - at, part(other, random));
  },
  // A piece again and again: many parts, or deep nesting.
  (bytes, random) => {
    const piece = part(bytes, random, 64).slice();
    const times = random.pick([2, 3, 16, 256, 2_048]);
    const many = new Uint8Array(piece.length * times);
    for (let at = 0; at < many.length; at += piece.length) many.set(piece, at);
    return spliced(bytes, random.below(bytes.length + 1), 0, many);
  },
  (bytes, random) =>
    spliced(
      bytes,
      random.below(bytes.length + 1),
      0,
      new Uint8Array(random.pick([1, 7, 64, 4_096])).fill(random.below(256)),
    ),
];

/** One to six mutations of an input. `other` is a second one, for pieces. */
export function mutate(input: Uint8Array, other: Uint8Array, random: Random, bytesMax: number): Uint8Array {
  let bytes = input;
  for (let left = 1 + random.below(6); left > 0; left -= 1) {
    bytes = bytes.length === 0 ? part(other, random).slice() : random.pick(MUTATIONS)(bytes, random, other);
    if (bytes.length > bytesMax) bytes = bytes.slice(0, bytesMax);
  }
  return bytes;
}

/** A shorter input with which `fails` still holds; a few hundred tries. */
export async function shorten(input: Uint8Array, fails: (input: Uint8Array) => Promise<boolean>): Promise<Uint8Array> {
  let best = input;
  let tries = 400;
  for (let size = best.length >>> 1; size >= 1 && tries > 0; size >>>= 1) {
    for (let at = 0; at + size <= best.length && tries > 0;) {
      const candidate = spliced(best, at, size, new Uint8Array(0));
      tries -= 1;
      if (await fails(candidate)) best = candidate;
      else at += size;
    }
  }
  return best;
}
