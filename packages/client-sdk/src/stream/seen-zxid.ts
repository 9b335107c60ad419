import { compareZxids, ZXID_ZERO, type Zxid } from '@zkl/wire';

/** The newest state that a client has seen, by whichever of its streams and calls. */
export class SeenZxid {
  #zxid: Zxid = ZXID_ZERO;

  get zxid(): Zxid {
    return this.#zxid;
  }

  note(zxid: Zxid): void {
    if (compareZxids(zxid, this.#zxid) > 0) this.#zxid = zxid;
  }
}
