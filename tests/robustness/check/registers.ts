import {
  formatZxid,
  type GetOperation,
  type GuessOperation,
  type History,
  type SetOperation,
  type ZxidNumber,
} from '../history/operation.js';
import type { Placement } from './placement.js';
import type { Findings } from './violation.js';

interface PlacedSet {
  readonly set: SetOperation;
  readonly zxid: ZxidNumber;
  readonly version: number;
}

/** One register's operations. */
interface Register {
  readonly path: string;
  /** In the order of the log. */
  readonly sets: PlacedSet[];
  /** Sets that nobody knows to have been applied: they may account for versions that nobody saw. */
  unseen: number;
  readonly gets: (GetOperation & { readonly outcome: 'ok' })[];
  readonly guesses: (GuessOperation & { readonly outcome: 'ok' })[];
  readonly refused: (SetOperation & { readonly outcome: 'rejected' })[];
}

/** Holds versions, reads and guesses against the order of the log, register by register. */
export function checkRegisters(history: History, placement: Placement, findings: Findings): void {
  for (const register of collect(history, placement).values()) {
    checkVersions(register, findings);
    checkReads(register, placement, findings);
    checkGuesses(register, findings);
    checkRefusals(register, placement, findings);
  }
}

function collect(history: History, placement: Placement): Map<string, Register> {
  const registers = new Map<string, Register>();
  for (const operation of history.operations) {
    if (operation.kind === 'append') continue;
    let register = registers.get(operation.path);
    if (register === undefined) {
      register = { path: operation.path, sets: [], unseen: 0, gets: [], guesses: [], refused: [] };
      registers.set(operation.path, register);
    }
    if (operation.kind === 'set') addSet(register, operation, placement);
    else if (operation.outcome !== 'ok') continue;
    else if (operation.kind === 'get') register.gets.push(operation);
    else register.guesses.push(operation);
  }
  for (const { sets } of registers.values()) sets.sort((a, b) => a.zxid - b.zxid);
  return registers;
}

function addSet(register: Register, set: SetOperation, placement: Placement): void {
  if (set.outcome === 'rejected') {
    register.refused.push(set);
    return;
  }
  const zxid = placement.zxidOf(set);
  const version = placement.versionOf(set);
  if (zxid !== undefined && version !== undefined) register.sets.push({ set, zxid, version });
  else register.unseen += 1;
}

/** Every set adds one: a version that no set accounts for is a set that was applied twice, one that comes again is a set that was lost. */
function checkVersions(register: Register, findings: Findings): void {
  let missing = 0;
  let before: PlacedSet | undefined;
  for (const placed of register.sets) {
    const { set, version } = placed;
    if (set.expected !== undefined && version !== set.expected + 1) {
      findings.add('version', `a set on v${set.expected} made v${version}`, set);
    }
    if (before !== undefined) {
      const step = version - before.version;
      if (step < 1)
        findings.add('lost', 'a later set did not raise the version: what was before it is gone', before.set, set);
      missing += Math.max(0, step - 1);
    }
    before = placed;
  }
  if (missing <= register.unseen) return;
  const what = `${register.path}: ${missing} versions that no acknowledged set made, and ${register.unseen} sets of unknown outcome`;
  findings.add('doubled', what);
}

function checkReads(register: Register, placement: Placement, findings: Findings): void {
  for (const get of register.gets) {
    const { zxid, value, mzxid } = get.result;
    const writer = placement.writerOf(value);
    if (writer === undefined) continue;
    if (mzxid > zxid) findings.add('read', `shows a write that is later than ${formatZxid(zxid)}`, get);
    const newest = newestAt(register.sets, zxid);
    if (newest === undefined || newest.set !== writer) {
      const shown = newest === undefined ? [writer, get] : [newest.set, get];
      findings.add('read', `is not the newest set at or before ${formatZxid(zxid)}`, ...shown);
    }
  }
}

/** A guess has a zxid of its own, and compares with what stands right before it. */
function checkGuesses(register: Register, findings: Findings): void {
  for (const guess of register.guesses) {
    const { zxid, matched, version } = guess.result;
    const newest = newestAt(register.sets, zxid);
    if (newest === undefined) continue;
    if (newest.version > version) findings.add('guess', 'compared with an older value', newest.set, guess);
    // A version that nobody saw may have stood there: its set is one of unknown outcome, or counted by checkVersions.
    else if (newest.version === version && matched !== (newest.set.value === guess.value)) {
      findings.add('guess', `says ${matched} for "${newest.set.value}"`, newest.set, guess);
    } else if (newest.version < version && register.unseen === 0) {
      findings.add('doubled', 'a version that no set made', newest.set, guess);
    }
  }
}

/** A set that was refused for its version met another one. */
function checkRefusals(register: Register, placement: Placement, findings: Findings): void {
  if (register.unseen > 0) return;
  for (const set of register.refused) {
    const zxid = placement.zxidOf(set);
    if (set.code !== 'BAD_VERSION' || zxid === undefined) continue;
    const newest = newestAt(register.sets, zxid);
    if (newest !== undefined && newest.version === set.expected)
      findings.add('version', 'was refused on the right version', newest.set, set);
  }
}

/** The last set at or before a zxid, by bisection. */
function newestAt(sets: readonly PlacedSet[], zxid: ZxidNumber): PlacedSet | undefined {
  let low = 0;
  let high = sets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sets[middle] as PlacedSet).zxid <= zxid) low = middle + 1;
    else high = middle;
  }
  return sets[low - 1];
}
