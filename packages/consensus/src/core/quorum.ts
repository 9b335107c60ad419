import { assert } from './assert.js';
import { SERVER_ID_MAX, type ServerId } from './server-id.js';

/** The servers that vote, and how many of them make a quorum: more than half, for any size. */
export class Voters {
  readonly ids: readonly ServerId[];
  readonly quorum: number;

  constructor(ids: readonly ServerId[]) {
    assert(ids.length > 0, 'a cluster has at least one voter');
    assert(new Set(ids).size === ids.length, 'voters have different ids');
    for (const id of ids) {
      assert(Number.isInteger(id) && id >= 1 && id <= SERVER_ID_MAX, `server id ${id} is not in 1 .. ${SERVER_ID_MAX}`);
    }
    this.ids = [...ids].sort((a, b) => a - b);
    this.quorum = Math.floor(ids.length / 2) + 1;
  }

  has(id: ServerId): boolean {
    return this.ids.includes(id);
  }

  others(self: ServerId): ServerId[] {
    return this.ids.filter((id) => id !== self);
  }
}
