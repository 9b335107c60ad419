import { create } from '@bufbuild/protobuf';
import { ChangeType, WatchBatchSchema, type WatchBatch } from '@zkl/protocol';
import type { Reply } from '@zkl/wire';
import { describe, expect, it } from 'vitest';
import { makeError } from '../errors/zkl-error.js';
import { LinkWatches } from './link-watches.js';
import type { LinkWatch } from './wire-watch.js';

/** Watches of a link, each with a key and a name, and what is said to the server, one line each. */
function start() {
  const sent: string[] = [];
  const replies: ((reply: Reply) => void)[] = [];
  const told: string[] = [];
  const watches = new LinkWatches({
    send: (operation, onReply) => {
      if (operation.kind === 'watch') {
        const { id, path, from } = operation.watch;
        sent.push(`${id} ${path}${from === undefined ? '' : ` from ${from.counter}`}`);
        if (onReply !== undefined) replies.push(onReply);
      } else if (operation.kind === 'cancelWatch') sent.push(`${operation.id} cancelled`);
    },
    want: () => undefined,
  });
  const watch = (name: string, path: string, hooks: { onBatch?: () => void } = {}): LinkWatch => {
    let at: number | undefined;
    const added: LinkWatch = {
      sameKey: path,
      wire: undefined,
      request: () => ({
        path,
        scope: 'node',
        ...(at !== undefined && { from: { epoch: 0, counter: at } }),
      }),
      onStanding: (zxid) => {
        at ??= Number(zxid);
        told.push(`${name} stands`);
      },
      onBatch: ({ batch: { zxid } }) => {
        if (at !== undefined && Number(zxid) <= at) return;
        at = Number(zxid);
        told.push(`${name} ${zxid}`);
        hooks.onBatch?.();
      },
      joinRun: () => false,
      leaveRun: () => undefined,
      onCut: () => told.push(`${name} cut`),
      onEnd: (error) => told.push(`${name} ended: ${(error as Error).message}`),
    };
    watches.add(added);
    return added;
  };
  const stand = (counter: number): void => {
    for (const reply of replies.splice(0)) reply({ kind: 'watching', zxid: { epoch: 0, counter } });
  };
  const take = (): { sent: string[]; told: string[] } => ({ sent: sent.splice(0), told: told.splice(0) });
  return { watches, watch, stand, take };
}

function batch(zxid: bigint, ...watchIds: number[]): WatchBatch {
  return create(WatchBatchSchema, { watchIds, zxid, events: [{ type: ChangeType.SET, path: '/a' }] });
}

function failure(retryable: boolean, ...watchIds: number[]): WatchBatch {
  return create(WatchBatchSchema, { watchIds, failure: { code: 'THROTTLED', retryable } });
}

describe('the watches of a link', () => {
  it('become one on the stream when one batch names them, and all are told on', () => {
    const { watches, watch, stand, take } = start();
    for (const name of ['a', 'b', 'c']) watch(name, '/a');
    stand(1);
    expect(take().sent).toEqual(['1 /a', '2 /a', '3 /a']);
    watches.tell([batch(2n, 1, 2, 3)]);
    expect(take()).toEqual({ sent: ['2 cancelled', '3 cancelled'], told: ['a 2', 'b 2', 'c 2'] });
    expect(watches.size).toBe(1);
    // What was on its way to the others is not told twice.
    watches.tell([batch(3n, 1, 2, 3), batch(4n, 1)]);
    expect(take()).toEqual({ sent: [], told: ['a 3', 'b 3', 'c 3', 'a 4', 'b 4', 'c 4'] });
  });

  it('stay apart when they want different things, when no batch names both, and until both stand', () => {
    const { watches, watch, stand, take } = start();
    watch('a', '/a');
    watch('b', '/b');
    stand(1);
    watch('c', '/a');
    take();
    watches.tell([batch(2n, 1, 2), batch(3n, 1), batch(3n, 3), batch(4n, 1, 3)]);
    expect(take().sent).toEqual([]);
    stand(4);
    watches.tell([batch(5n, 1, 2, 3)]);
    expect(take().sent).toEqual(['3 cancelled']);
  });

  it('are put on a new stream as one, from where they had come to', () => {
    const { watches, watch, stand, take } = start();
    for (const name of ['a', 'b']) watch(name, '/a');
    stand(1);
    watches.tell([batch(2n, 1, 2), batch(3n, 1)]);
    take();
    watches.putAll();
    expect(take()).toEqual({ sent: ['1 /a from 3'], told: ['a cut', 'b cut'] });
    stand(7);
    watches.tell([batch(4n, 1)]);
    expect(take().told).toEqual(['a stands', 'b stands', 'a 4', 'b 4']);
  });

  it('are taken off when the last of them leaves, and begin anew under another id', () => {
    const { watches, watch, stand, take } = start();
    const [a, b] = [watch('a', '/a'), watch('b', '/a')];
    stand(1);
    watches.tell([batch(2n, 1, 2)]);
    take();
    watches.remove(a);
    expect(take().sent).toEqual([]);
    watches.tell([batch(3n, 1)]);
    expect(take().told).toEqual(['b 3']);
    watches.add(a);
    expect(take().sent).toEqual(['3 /a from 2']);
    watches.remove(b);
    watches.remove(b);
    expect(take().sent).toEqual(['1 cancelled']);
    expect(watches.size).toBe(1);
  });

  it('bear it that one takes off itself and others, and puts others on, while it is told', () => {
    const { watches, watch, stand, take } = start();
    const all: LinkWatch[] = [];
    all.push(watch('a', '/a'));
    const onBatch = (): void => {
      for (const each of all) watches.remove(each);
      watch('d', '/a');
    };
    all.push(watch('b', '/a', { onBatch }), watch('c', '/a'));
    stand(1);
    take();
    watches.tell([batch(2n, 1, 2, 3)]);
    expect(take()).toEqual({
      sent: ['1 cancelled', '2 cancelled', '3 cancelled', '4 /a'],
      told: ['a 2', 'b 2', 'd cut'],
    });
  });

  it('all begin anew, with one request, when the server ends what they share and may be asked again; and all end when it may not', () => {
    const { watches, watch, stand, take } = start();
    for (const name of ['a', 'b']) watch(name, '/a');
    stand(1);
    watches.tell([batch(2n, 1, 2)]);
    take();
    watches.tell([failure(true, 1)]);
    expect(take()).toEqual({ sent: ['1 /a from 2'], told: ['a cut', 'b cut'] });
    watches.tell([failure(false, 1)]);
    expect(take().told).toEqual([expect.stringContaining('a ended'), expect.stringContaining('b ended')]);
    expect(watches.size).toBe(0);
  });

  it('all end, or all try again, when the server refuses to begin what they share', () => {
    const { watches, watch, stand, take } = start();
    for (const name of ['a', 'b']) watch(name, '/a');
    stand(1);
    watches.tell([batch(2n, 1, 2)]);
    take();
    const refusal = (code: 'NOT_SYNCED' | 'TOO_MANY_WATCHES') =>
      makeError({ code, message: 'No', outcome: 'rejected', retryable: code === 'NOT_SYNCED' });
    expect(watches.onRefused(1, refusal('NOT_SYNCED'))).toBe(true);
    expect(take().told).toEqual([]);
    expect(watches.onRefused(1, refusal('TOO_MANY_WATCHES'))).toBe(false);
    expect(take().told).toEqual(['a ended: TOO_MANY_WATCHES: No.', 'b ended: TOO_MANY_WATCHES: No.']);
    expect(watches.onRefused(1, refusal('NOT_SYNCED'))).toBe(false);
  });

  it('all end with the link', () => {
    const { watches, watch, stand, take } = start();
    for (const name of ['a', 'b']) watch(name, '/a');
    watch('c', '/b');
    stand(1);
    watches.tell([batch(2n, 1, 2)]);
    take();
    watches.end(new Error('over'));
    expect(take()).toEqual({ sent: [], told: ['a ended: over', 'b ended: over', 'c ended: over'] });
    expect(watches.size).toBe(0);
  });
});
