import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../peer/test-cluster.js';
import { RecordingSink, TestTree, turns } from './test-tree.js';
import type { Watcher } from './watcher.js';

const watchers: { tree: TestTree; watcher: Watcher }[] = [];
afterEach(() => {
  for (const { tree, watcher } of watchers.splice(0)) tree.hub.remove(watcher);
});

type Watch = TestTree['watch'];

function start(
  tree: TestTree,
  scope: Parameters<Watch>[1],
  path: string,
  more?: Parameters<Watch>[3],
): { sink: RecordingSink; watcher: Watcher } {
  const sink = new RecordingSink();
  const watcher = tree.watch(sink, scope, path, more);
  watchers.push({ tree, watcher });
  return { sink, watcher };
}

const zxid = (counter: number): { epoch: number; counter: number } => ({ epoch: 1, counter });

describe('the watch hub', () => {
  it('tells each of what concerns it, as it comes, in order', () => {
    const tree = new TestTree();
    tree.create('/a');
    const node = start(tree, 'node', '/a/b');
    const children = start(tree, 'children', '/a');
    const subtree = start(tree, 'subtree', '/a');
    const other = start(tree, 'subtree', '/x');
    tree.create('/a/b');
    tree.set('/a/b', '1');
    tree.create('/a/b/c');
    tree.set('/a', '2');
    tree.hub.pump();
    expect(node.sink.log).toEqual(['2 created /a/b', '3 set /a/b']);
    expect(children.sink.log).toEqual(['2 created /a/b', '3 set /a/b']);
    expect(subtree.sink.log).toEqual(['2 created /a/b', '3 set /a/b', '4 created /a/b/c', '5 set /a']);
    expect(other.sink.log).toEqual([]);
  });

  it('gives the events of one transaction as one batch, each once, in order', () => {
    const tree = new TestTree();
    const { sink } = start(tree, 'subtree', '/');
    const data = new Uint8Array(0);
    tree.apply({
      kind: 'transaction',
      compares: [],
      then: [
        { kind: 'create', path: '/a', data, mode: 'persistent' },
        { kind: 'set', path: '/a', data, expectedVersion: -1 },
        { kind: 'create', path: '/b', data, mode: 'persistent' },
        { kind: 'delete', path: '/a', expectedVersion: -1 },
      ],
      else: [],
    });
    tree.hub.pump();
    expect(sink.log).toEqual(['1 created /a + 1 set /a + 1 created /b + 1 deleted /a']);
  });

  it('tells nothing of what failed', () => {
    const tree = new TestTree();
    const { sink } = start(tree, 'subtree', '/');
    tree.create('/a/b');
    tree.delete('/nothing');
    tree.create('/a');
    tree.hub.pump();
    expect(sink.log).toEqual(['3 created /a']);
  });

  it('carries data, stat and previous data where they are asked for, and only there', () => {
    const tree = new TestTree();
    tree.create('/a', 'old');
    const bare = start(tree, 'node', '/a');
    const full = start(tree, 'node', '/a', { withData: true, withStat: true, withPrevious: true });
    tree.set('/a', 'new');
    tree.delete('/a');
    tree.hub.pump();
    expect(bare.sink.batches[0]!.events[0]).toEqual({ $typeName: 'zkl.v1.WatchEvent', type: 2, path: '/a' });
    const [set, deleted] = full.sink.batches.map(({ events }) => events[0]!);
    expect(Buffer.from(set!.data!).toString()).toBe('new');
    expect(Buffer.from(set!.previousData!).toString()).toBe('old');
    expect(set!.stat).toMatchObject({ version: 1, dataLength: 3 });
    expect(deleted!.data).toBeUndefined();
    expect(Buffer.from(deleted!.previousData!).toString()).toBe('new');
    expect(deleted!.stat).toMatchObject({ version: 1 });
  });

  it('makes an event once, however many watches it is for', () => {
    const tree = new TestTree();
    tree.create('/a');
    const sinks = Array.from({ length: 100 }, () => start(tree, 'node', '/a', { withData: true }).sink);
    tree.set('/a', 'x');
    tree.hub.pump();
    for (const { batches } of sinks) expect(batches[0]).toBe(sinks[0]!.batches[0]);
  });

  it('goes on after a zxid, with all that came since and nothing twice', async () => {
    const tree = new TestTree();
    for (const path of ['/a', '/b', '/c']) tree.create(path);
    const { sink } = start(tree, 'subtree', '/', { from: zxid(1) });
    tree.create('/d');
    await turns();
    tree.create('/e');
    tree.hub.pump();
    expect(sink.log).toEqual(['2 created /b', '3 created /c', '4 created /d', '5 created /e']);
  });

  it('does not tell of anything up to a zxid that lies ahead', async () => {
    const tree = new TestTree();
    tree.create('/a');
    const { sink } = start(tree, 'subtree', '/', { from: zxid(3), progressIntervalMs: 50 });
    for (const path of ['/b', '/c', '/d', '/e']) {
      tree.create(path);
      tree.hub.pump();
    }
    await until(() => sink.log.some((line) => line.startsWith('mark')));
    expect(sink.log.slice(0, 3)).toEqual(['4 created /d', '5 created /e', 'mark 5']);
  });

  it('keeps no events for a client that does not read, but its place, and goes on from there', async () => {
    const tree = new TestTree();
    const slow = start(tree, 'subtree', '/');
    const quick = start(tree, 'subtree', '/');
    slow.sink.room = 2;
    for (let i = 1; i <= 50; i += 1) {
      tree.create(`/n${i}`);
      tree.hub.pump();
    }
    expect(quick.sink.log).toHaveLength(50);
    expect(slow.sink.log).toHaveLength(2);
    expect(slow.watcher.state).toBe('behind');
    slow.sink.room = Infinity;
    slow.sink.writable = true;
    tree.hub.onWritable(slow.watcher);
    tree.create('/last');
    await turns();
    tree.create('/very-last');
    tree.hub.pump();
    expect(slow.sink.log).toEqual(quick.sink.log);
    expect(slow.watcher.state).toBe('synced');
  });

  it('never breaks a batch, even for a client that stops reading in the midst', async () => {
    const tree = new TestTree();
    const { sink, watcher } = start(tree, 'subtree', '/');
    sink.writable = false;
    const data = new Uint8Array(0);
    tree.apply({
      kind: 'transaction',
      compares: [],
      then: ['/a', '/b', '/c'].map((path) => ({ kind: 'create', path, data, mode: 'persistent' })),
      else: [],
    });
    tree.hub.pump();
    expect(sink.log).toEqual([]);
    sink.writable = true;
    tree.hub.onWritable(watcher);
    await turns();
    expect(sink.log).toEqual(['1 created /a + 1 created /b + 1 created /c']);
  });

  it('resets who is too slow for the history, with the state as it is, and goes on after it', async () => {
    const tree = new TestTree({ changesMax: 10 });
    const { sink, watcher } = start(tree, 'subtree', '/a', { withData: true });
    sink.writable = false;
    tree.create('/a');
    for (let i = 1; i <= 20; i += 1) {
      tree.create(`/a/n${i}`, String(i));
      tree.hub.pump();
    }
    tree.delete('/a/n7');
    tree.hub.pump();
    sink.writable = true;
    tree.hub.onWritable(watcher);
    await turns();
    tree.create('/a/later');
    tree.hub.pump();
    expect(sink.pieces).toHaveLength(1);
    expect(sink.pieces[0]).toMatchObject({ reason: 'tooSlow', first: true, last: true, zxid: zxid(22) });
    const paths = sink.pieces[0]!.entries.map(({ path }) => path);
    expect(paths[0]).toBe('/a');
    expect(paths).toHaveLength(20);
    expect(paths).not.toContain('/a/n7');
    expect(sink.log.slice(1)).toEqual(['23 created /a/later']);
    expect(tree.hub.counts.resets).toBe(1);
  });

  it('at the very edge of the history gives every change or a reset, never a gap', async () => {
    for (let from = 0; from <= 30; from += 1) {
      const tree = new TestTree({ changesMax: 10 });
      for (let i = 1; i <= 30; i += 1) tree.create(`/n${i}`);
      const { sink } = start(tree, 'subtree', '/', { from: zxid(from) });
      await turns(5);
      if (from < 20) expect(sink.log[0]).toMatch(/^reset historyGone 30: \/ /);
      else
        expect(sink.log).toEqual(
          Array.from({ length: 30 - from }, (_, i) => `${from + i + 1} created /n${from + i + 1}`),
        );
    }
  });

  it('resets everybody when the state was replaced, also who had been told everything', async () => {
    const tree = new TestTree();
    tree.create('/a');
    const synced = start(tree, 'subtree', '/');
    const slow = start(tree, 'subtree', '/');
    slow.sink.writable = false;
    tree.hub.pump();
    await tree.restore();
    tree.hub.pump();
    await turns();
    expect(synced.sink.log).toEqual(['reset historyGone 1: / /a']);
    tree.create('/b');
    tree.hub.pump();
    slow.sink.writable = true;
    tree.hub.onWritable(slow.watcher);
    await turns();
    expect(synced.sink.log[1]).toBe('2 created /b');
    expect(slow.sink.log[0]).toMatch(/^reset/);
  });

  it('makes a snapshot that is one state, though it is made while writes go on', async () => {
    const tree = new TestTree({}, {});
    for (let i = 0; i < 3_000; i += 1) tree.create(`/n${i}`, '0');
    const { sink } = start(tree, 'subtree', '/', { withSnapshot: true, withData: true, withStat: true });
    for (let round = 0; round < 200 && sink.pieces.every(({ last }) => !last); round += 1) {
      tree.set(`/n${round * 7}`, `r${round}`);
      tree.delete(`/n${2_999 - round}`);
      tree.create(`/new${round}`);
      tree.create(`/new${round}/child`);
      tree.hub.pump();
      await turns(1);
    }
    const last = sink.pieces.at(-1)!;
    expect(last.last).toBe(true);
    // Given in more than one turn, it is older than the last round: that is caught up with in a later turn.
    await until(() => tree.hub.behind === 0);
    const seen = new Map(sink.pieces.flatMap(({ entries }) => entries).map((entry) => [entry.path, entry]));
    for (const { events } of sink.batches) {
      for (const { type, path, data, stat } of events) {
        if (type === 3) expect(seen.delete(path)).toBe(true);
        // What the snapshot shows is not told again as made.
        else if (type === 1) expect(seen.has(path)).toBe(false);
        else expect(seen.has(path)).toBe(true);
        if (type !== 3) seen.set(path, { path, data: data ?? null, stat: stat as never });
      }
    }
    expect(seen.size).toBe(tree.state.znodeCount);
    for (const [path, { data }] of seen) {
      const now = tree.state.get(path);
      expect(now.kind === 'node' && Buffer.from(now.data ?? []).equals(Buffer.from(data ?? []))).toBe(true);
    }
  });

  it('gives the same snapshot to all who are reset together', async () => {
    const tree = new TestTree();
    for (let i = 0; i < 100; i += 1) tree.create(`/n${i}`);
    const all = Array.from({ length: 50 }, () => start(tree, 'children', '/', { withSnapshot: true }));
    await turns();
    const [first] = all;
    for (const { sink } of all) {
      expect(sink.pieces[0]!.entries[0]).toBe(first!.sink.pieces[0]!.entries[0]);
      expect(sink.pieces[0]!.entries).toHaveLength(101);
    }
    expect(tree.hub.snapshotBytes).toBe(0);
  });

  it('gives a large snapshot in pieces, at the pace of its reader, and drops it when others want the room', async () => {
    const tree = new TestTree({}, { snapshotsBytesMax: 1_000_000 });
    for (let i = 0; i < 2_000; i += 1) tree.create(`/n${i}`, 'x'.repeat(200));
    const stuck = start(tree, 'subtree', '/', { withSnapshot: true, withData: true });
    stuck.sink.room = 1;
    await until(() => stuck.sink.pieces.length === 1);
    expect(stuck.sink.pieces[0]).toMatchObject({ first: true, last: false });
    expect(tree.hub.snapshotBytes).toBeGreaterThan(1_000_000);
    const other = start(tree, 'subtree', '/', { withSnapshot: true });
    await until(() => other.sink.pieces.at(-1)?.last === true);
    // It begins anew, from the first piece on.
    stuck.sink.room = Infinity;
    stuck.sink.writable = true;
    tree.hub.onWritable(stuck.watcher);
    await until(() => stuck.sink.pieces.at(-1)?.last === true);
    expect(stuck.sink.pieces[1]).toMatchObject({ first: true });
    const whole = stuck.sink.pieces.slice(1).flatMap(({ entries }) => entries);
    expect(whole).toHaveLength(2_001);
  });

  it('refuses a snapshot that is too large, and more watches than it may have', async () => {
    const tree = new TestTree({}, { snapshotBytesMax: 65_536, watchesMax: 2 });
    for (let i = 0; i < 500; i += 1) tree.create(`/n${i}`);
    const { sink } = start(tree, 'subtree', '/', { withSnapshot: true });
    await until(() => sink.log.length > 0);
    expect(sink.log).toEqual(['failed MESSAGE_TOO_LARGE']);
    expect(tree.hub.size).toBe(0);
    start(tree, 'node', '/');
    start(tree, 'node', '/');
    expect(() => start(tree, 'node', '/')).toThrow('too many watches');
  });

  it('gives an empty snapshot of what does not exist', async () => {
    const tree = new TestTree();
    const { sink } = start(tree, 'subtree', '/nowhere', { withSnapshot: true });
    await turns();
    expect(sink.log).toEqual(['reset requested 0: ']);
    expect(sink.pieces[0]).toMatchObject({ first: true, last: true });
  });

  it('marks progress when asked and when nothing happens, never ahead of an event and never backwards', async () => {
    const tree = new TestTree();
    const { sink, watcher } = start(tree, 'node', '/a', { progressIntervalMs: 50 });
    const slow = start(tree, 'subtree', '/', { progressIntervalMs: 50 });
    slow.sink.writable = false;
    for (let i = 1; i <= 5; i += 1) {
      tree.create(`/n${i}`);
      tree.hub.markProgress(watcher);
      tree.hub.markProgress(slow.watcher);
    }
    expect(sink.log).toEqual(['mark 1', 'mark 2', 'mark 3', 'mark 4', 'mark 5']);
    tree.create('/a');
    tree.hub.markProgress(watcher);
    expect(sink.log.slice(5)).toEqual(['6 created /a', 'mark 6']);
    await until(() => sink.log.length >= 9);
    expect(sink.log.slice(7)).toEqual(sink.log.slice(7).map(() => 'mark 6'));
    // Who has not been told everything gets no mark, whatever it asks for.
    expect(slow.sink.log).toEqual([]);
    slow.sink.writable = true;
    tree.hub.onWritable(slow.watcher);
    await turns();
    expect(slow.sink.log.slice(0, 7)).toEqual([
      ...[1, 2, 3, 4, 5].map((i) => `${i} created /n${i}`),
      '6 created /a',
      'mark 6',
    ]);
  });

  it('is not starved: a watch that has much to read keeps neither the others nor the loop waiting', async () => {
    const tree = new TestTree();
    for (let i = 0; i < 20_000; i += 1) tree.create(`/n${i}`);
    const far = start(tree, 'node', '/n19999', { from: zxid(0) });
    const near = start(tree, 'subtree', '/', { from: zxid(19_990) });
    await turns(3);
    expect(near.sink.log).toHaveLength(10);
    await until(() => far.sink.log.length === 1);
    expect(far.watcher.state).toBe('synced');
  });
});
