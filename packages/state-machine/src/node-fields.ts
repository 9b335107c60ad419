/**
 * The fields of a znode's row (see Rows), all int32. A zxid is two of them, a time is its low and high 32 bits. Slots in links
 * are bare: slot 0 is the root, which is nobody's child, so 0 means none.
 */
export const ROOT_SLOT = 0;

/** The arena record: the name, padded to whole words with zeros, then the value, likewise. */
export const REF = 0;
export const PARENT = 1;
/** What the row is filed under in the index: name and parent. */
export const HASH = 2;
/** The treap of siblings (see ChildOrder), and the root of the children's. */
export const LEFT = 3;
export const RIGHT = 4;
export const CHILD_ROOT = 5;
export const CHILD_COUNT = 6;
/** Bytes of the name + 1; 0 in a free row. */
export const NAME_MARK = 7;
/** A hash of the whole path, by which the digest knows the node. */
export const PATH_A = 8;
export const PATH_B = 9;

/** The birth of the node: a part of the digest. Changes with the access control list. */
export const BIRTH = 10;
export const CZXID_EPOCH = 10;
export const CZXID_COUNTER = 11;
export const CTIME_LOW = 12;
export const CTIME_HIGH = 13;
export const AVERSION = 14;
export const BIRTH_WORDS = 5;

/** Its data: a part of the digest. Changes with a set. */
export const DATA = 15;
export const MZXID_EPOCH = 15;
export const MZXID_COUNTER = 16;
export const MTIME_LOW = 17;
export const MTIME_HIGH = 18;
export const VERSION = 19;
/** -1 for null data. */
export const DATA_LENGTH = 20;
export const VALUE_A = 21;
export const VALUE_B = 22;
export const DATA_WORDS = 8;

/** What it knows of its children: a part of the digest. Changes when a child is created or deleted. */
export const FAMILY = 23;
export const PZXID_EPOCH = 23;
export const PZXID_COUNTER = 24;
export const CVERSION = 25;
/** Children ever created: the next sequential suffix. A uint32. */
export const CREATES = 26;
export const FAMILY_WORDS = 4;

/** The last snapshot that has this row's image. */
export const SAVED = 27;
/** Reserved: an entry of a side table for what few nodes have (owner of an ephemeral, access control list, TTL); 0 for none. */
export const EXTRA = 28;

export const NODE_STRIDE = 29;

/** What goes into a snapshot as it is: from the path hash to CREATES. */
export const IMAGE = 8;
export const IMAGE_WORDS = CREATES + 1 - PATH_A;

const TWO_TO_32 = 4_294_967_296;

/** A time or another whole number below 2^53, from its halves. */
export function joinWords(low: number, high: number): number {
  return (high >>> 0) * TWO_TO_32 + (low >>> 0);
}

export function lowWord(value: number): number {
  return value | 0;
}

export function highWord(value: number): number {
  return (value / TWO_TO_32) | 0;
}
