import type { Actor } from './actor.js';
import { increments, keys, readers, register, sequence } from './actors/keys.js';
import { candidates, lockers } from './actors/contenders.js';
import { sessions } from './actors/sessions.js';
import { subtrees, transfers } from './actors/trees.js';
import type { WatchPlan } from './actors/watchers.js';

/** What a part plays, and how many of it there are. */
export interface Part {
  readonly name: string;
  readonly actor: Actor;
  readonly count: number;
}

/** All operations: who goes wherever it is served best. */
export const ALL_PARTS: readonly Part[] = [
  { name: 'keys', actor: keys, count: 3 },
  { name: 'register', actor: register, count: 2 },
  { name: 'sequence', actor: sequence, count: 2 },
  { name: 'increments', actor: increments, count: 2 },
  { name: 'subtrees', actor: subtrees, count: 1 },
  { name: 'transfers', actor: transfers, count: 2 },
  { name: 'sessions', actor: sessions, count: 2 },
  { name: 'lockers', actor: lockers, count: 3 },
  { name: 'candidates', actor: candidates, count: 2 },
];

/** Some of everything: for trials of a few seconds. */
export const FEW_PARTS: readonly Part[] = ALL_PARTS.filter(({ name }) => name !== 'candidates').map((part) => ({
  ...part,
  count: part.name === 'lockers' ? 2 : 1,
}));

/** Who talks to one server only, one of each for each server. */
export interface PinnedPart {
  readonly name: string;
  readonly actor: Actor;
  /** The deadline of its calls, in milliseconds: its server may be down. */
  readonly timeoutMs: number;
}

/** Writes are forwarded by followers, and reads served by them, all the time; and questions wait in the socket of a server that stands still. */
export const PINNED_PARTS: readonly PinnedPart[] = [
  { name: 'pinned', actor: keys, timeoutMs: 1_000 },
  { name: 'pinned-reader', actor: readers, timeoutMs: 20_000 },
];

/** Who watches what below the workload's root. */
export function watchPlans(root: string): readonly [WatchPlan, ...WatchPlan[]] {
  return [
    { path: root, scope: 'subtree', leaves: false },
    { path: root, scope: 'subtree', leaves: true },
    { path: `${root}/keys`, scope: 'children', leaves: true },
    { path: `${root}/keys/k0`, scope: 'node', leaves: true },
    { path: `${root}/sessions`, scope: 'children', leaves: false },
  ];
}
