/**
 * How what is guarded by a lock or a leadership checks its holder's token.
 *
 * A holder may stand still for longer than its session lives (a pause of its process, of its machine), and go on without knowing that somebody else holds the lock: no client can
 * prevent that. So what it writes to must refuse a token that is lower than the highest it has seen. Tokens are zxids, and grow from each holder of a lock to the next.
 */
import type { Calls } from '../client/client.js';
import type { DataInput } from '../client/client.js';
import { isZklError, makeError, type ZklError } from '../errors/zkl-error.js';

/** A token below the highest one: `BAD_VERSION`, since somebody newer has been there. */
function staleError(token: bigint, highest: bigint, path?: string): ZklError {
  return makeError({
    code: 'BAD_VERSION',
    message: `The fencing token ${token} is out of date: ${highest} has been here`,
    outcome: 'rejected',
    hint: 'The lock is held by somebody else now: stop',
    path,
  });
}

/**
 * Keeps the highest token that a resource has seen, in the memory of the one process that guards the resource. A database does the same in
 * the write itself: `UPDATE t SET ..., token = $1 WHERE id = $2 AND token <= $1`.
 */
export class TokenGuard {
  #highest: bigint;

  /** @param highest - Where to begin, after a restart: what was stored with the resource. Default: 0n. */
  constructor(highest = 0n) {
    this.#highest = highest;
  }

  get highest(): bigint {
    return this.#highest;
  }

  /** Lets a holder through, or refuses it. Call it in the same turn as the effect. @throws {@link ZklError} `BAD_VERSION` */
  admit(token: bigint): void {
    if (token < this.#highest) throw staleError(token, this.#highest);
    this.#highest = token;
  }
}

/**
 * Sets a znode in the name of a holder: refused when a later holder has been there. The highest token is kept in the znode `<path>/token`, which is
 * made when it is needed; both change in one transaction.
 *
 * @throws {@link ZklError} `BAD_VERSION`, `NO_NODE` (`path` must exist), and those of every call.
 */
export async function fencedSet(calls: Calls, path: string, data: DataInput, token: bigint): Promise<void> {
  const tokenPath = `${path}/token`;
  for (;;) {
    const seen = await readToken(calls, tokenPath);
    if (seen !== undefined && token < seen.token) throw staleError(token, seen.token, path);
    const transaction = calls.transaction().set(path, data);
    if (seen === undefined) transaction.create(tokenPath, String(token));
    else transaction.set(tokenPath, String(token), { version: seen.version });
    try {
      await transaction.commit();
      return;
    } catch (error) {
      const isRaced = isZklError(error, 'BAD_VERSION') || isZklError(error, 'NODE_EXISTS');
      if (!isRaced || error.path !== tokenPath) throw error;
    }
  }
}

async function readToken(calls: Calls, path: string): Promise<{ token: bigint; version: number } | undefined> {
  try {
    const node = await calls.get(path);
    return { token: BigInt(node.text()), version: node.stat.version };
  } catch (error) {
    if (isZklError(error, 'NO_NODE')) return undefined;
    throw error;
  }
}
