import { isThenable } from './callout.js';
import type { SharedBatch } from './shared-batch.js';
import type { ChangeEvent, WatchStep } from './watch.js';

/** What is called with each event. */
export type DirectListener = (event: ChangeEvent) => unknown;

/** A watch whose listener waits for nothing, and has been told all that came. */
export interface DirectOwner {
  /** Where it is in its run; set by the run. */
  place: number;
  /** What it makes of a batch, if it was told everything up to `told`: the same as every other one of its run. */
  stepOf(batch: SharedBatch, told: bigint): WatchStep | undefined;
  /** It is no more in the run: everything up to this zxid was handed to it. `isCalled`: from within its listener, whose answer follows. */
  onSingle(handedOut: bigint, isCalled: boolean): void;
  /** What its listener, from within which it left the run, or because of which it left it, returned. */
  onAnswer(answer: unknown): void;
  /** The same of what it threw. */
  onThrown(error: unknown): void;
}

/** Everything was told to everybody. */
const NOBODY = Number.MAX_SAFE_INTEGER;

/**
 * Listeners of watches that have come to the same place, one beside the other. What an event costs each of many watches is mostly the memory that it touches:
 * so here it touches nothing of a watch but its listener. Where they all are is written down once; a watch that leaves takes it along.
 */
export class DirectRun {
  #listeners: (DirectListener | undefined)[] = [];
  #owners: (DirectOwner | undefined)[] = [];
  #left = 0;
  /** Everything up to here was told to those before `#at`, and up to `#before` to those after it. */
  #told = 0n;
  #before = 0n;
  /** Whose listener is being called. */
  #at = NOBODY;

  get size(): number {
    return this.#listeners.length - this.#left;
  }

  get told(): bigint {
    return this.#told;
  }

  /** One that is in it. */
  get any(): DirectOwner | undefined {
    return this.#owners.find((owner) => owner !== undefined);
  }

  /** Takes a watch in that was told everything up to this zxid; unless the others are elsewhere. */
  add(owner: DirectOwner, listener: DirectListener, told: bigint): boolean {
    if (this.#at !== NOBODY || (this.size > 0 && told !== this.#told)) return false;
    this.#told = told;
    owner.place = this.#listeners.length;
    this.#listeners.push(listener);
    this.#owners.push(owner);
    return true;
  }

  /** Up to which zxid everything was handed to the watch at this place. */
  handedOut(place: number): bigint {
    return place <= this.#at ? this.#told : this.#before;
  }

  /** Calls all of them. */
  tell(event: ChangeEvent, zxid: bigint): void {
    this.#before = this.#told;
    this.#told = zxid;
    const [listeners, owners] = [this.#listeners, this.#owners];
    for (let at = 0; at < listeners.length; at += 1) {
      const listener = listeners[at];
      if (listener === undefined) continue;
      const owner = owners[at]!;
      this.#at = at;
      try {
        const answer = listener(event);
        const isIn = listeners[at] === listener;
        if (isIn && (answer === undefined || !isThenable(answer))) continue;
        if (isIn) this.remove(at);
        owner.onAnswer(answer);
      } catch (error) {
        if (listeners[at] === listener) this.remove(at);
        owner.onThrown(error);
      }
    }
    this.#at = NOBODY;
    if (this.#left > 0) this.#compact();
  }

  /** Of a mark of progress nothing is told to a listener. */
  pass(zxid: bigint): void {
    this.#told = zxid;
  }

  /** Takes a watch out. */
  remove(place: number): void {
    const owner = this.#owners[place];
    if (owner === undefined) return;
    this.#listeners[place] = undefined;
    this.#owners[place] = undefined;
    this.#left += 1;
    owner.onSingle(this.handedOut(place), place === this.#at);
    if (this.#at === NOBODY && this.#left * 2 > this.#listeners.length) this.#compact();
  }

  /** Takes all of them out. */
  dissolve(): void {
    for (let place = this.#owners.length - 1; place >= 0; place -= 1) this.remove(place);
  }

  #compact(): void {
    this.#listeners = this.#listeners.filter((listener) => listener !== undefined);
    this.#owners = this.#owners.filter((owner) => owner !== undefined);
    for (const [place, owner] of this.#owners.entries()) owner!.place = place;
    this.#left = 0;
  }
}
