/** Characters (code points) of a client id: 1 to this. */
export const CLIENT_ID_CHARS_MAX = 64;

/** Request ids and answeredThrough stay below 2^53. */
export const REQUEST_ID_MAX = Number.MAX_SAFE_INTEGER;

/** Bytes of one path in UTF-8, unless a limit is lower. */
export const PATH_BYTES_MAX = 4_096;

/** The longest time to live: 2^40 - 1 milliseconds, ZooKeeper's bound. The shortest is 1. */
export const TTL_MS_MAX = 2 ** 40 - 1;

/** Bytes of the hash of a session's secret: SHA-256. */
export const SECRET_HASH_BYTES = 32;

/** The longest timeout of a session that a command can carry, in milliseconds: a day. Servers grant less. */
export const SESSION_TIMEOUT_MS_MAX = 86_400_000;
