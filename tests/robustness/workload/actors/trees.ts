import type { Step } from '@zkl/simulator/history';
import { repeat, type Actor } from '../actor.js';
import { isDone, type Caller } from '../caller.js';
import { wish } from './keys.js';

const ACCOUNTS = 4;

export function accountPaths(root: string): string[] {
  return Array.from({ length: ACCOUNTS }, (_, index) => `${root}/accounts/a${index}`);
}

/** Subtrees that are made, counted, and removed whole. */
export const subtrees: Actor = async (stage, caller) => {
  let made = 0;
  await repeat(stage, async () => {
    const top = `${stage.root}/trees/${caller.name.replaceAll('/', '-')}-${made++}`;
    if (!isDone(await caller.create(top))) return;
    for (const name of ['a', 'b', 'b/c']) await caller.create(`${top}/${name}`);
    await caller.count(top, wish(stage));
    await caller.delete(top);
    await caller.deleteRecursive(top);
    await caller.children(top, wish(stage));
  });
};

/** Transactions: transfers between accounts, whose sum never changes; some that must fail; and reads of several things of one state. */
export const transfers: Actor = async (stage, caller) => {
  const { random, root } = stage;
  const accounts = accountPaths(root);
  await repeat(stage, async () => {
    switch (random.below(5)) {
      case 0:
        await caller.multiRead(accounts, `${root}/accounts`, wish(stage));
        return;
      case 1:
        await caller.transaction(doomed(root, caller));
        return;
      case 2:
        await caller.transaction(outAndIn(root, caller));
        return;
      default:
        await transfer(accounts, caller, random.below(accounts.length), random.below(10));
    }
  });
};

async function transfer(accounts: readonly string[], caller: Caller, at: number, amount: number): Promise<void> {
  const from = accounts[at] as string;
  const to = accounts[(at + 1) % accounts.length] as string;
  const { reads } = await caller.multiRead([from, to], `${from.slice(0, from.lastIndexOf('/'))}`);
  const [source, sink] = reads ?? [];
  if (source?.kind !== 'get' || sink?.kind !== 'get' || typeof source.value !== 'string') return;
  // Numbers with the writer's mark, so that every value tells its write.
  const amounts = [Number.parseInt(source.value) - amount, Number.parseInt(sink.value ?? '') + amount];
  await caller.transaction([
    { kind: 'set', path: from, value: `${amounts[0]} ${caller.uniqueValue()}`, expected: source.version },
    { kind: 'set', path: to, value: `${amounts[1]} ${caller.uniqueValue()}`, expected: sink.version },
  ]);
}

/** What comes before the step that fails must leave no trace. */
function doomed(root: string, caller: Caller): Step[] {
  return [
    { kind: 'create', path: `${root}/accounts/doomed`, value: caller.uniqueValue() },
    { kind: 'set', path: `${root}/accounts/a0`, value: '-1000000 doomed' },
    { kind: 'check', path: `${root}/accounts/never` },
  ];
}

function outAndIn(root: string, caller: Caller): Step[] {
  const path = `${root}/accounts/passing`;
  return [
    { kind: 'checkAbsent', path },
    { kind: 'create', path, value: caller.uniqueValue() },
    { kind: 'get', path },
    { kind: 'set', path, value: caller.uniqueValue(), expected: 0 },
    { kind: 'delete', path, expected: 1 },
    { kind: 'exists', path },
  ];
}
