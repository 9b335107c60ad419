import { describe, expect, it } from 'vitest';
import { PathIndex } from './path-index.js';
import { ALL_TYPES, matches, TYPE_BITS, type ChangeType, type WatchScope, type WatchSpec } from './watch-spec.js';

const SCOPES: readonly WatchScope[] = ['node', 'children', 'subtree'];
const TYPES: readonly ChangeType[] = ['created', 'set', 'deleted'];
const PATHS = ['/', '/a', '/ab', '/a/b', '/a/b/c', '/a/bc', '/b'];

const specOf = (scope: WatchScope, path: string, types = ALL_TYPES): WatchSpec => ({
  scope,
  path,
  types,
  withData: false,
  withStat: false,
  withPrevious: false,
});

describe('the index of watches', () => {
  it('finds exactly those that a change concerns, each once', () => {
    const index = new PathIndex<{ spec: WatchSpec }>();
    const watchers = SCOPES.flatMap((scope) =>
      PATHS.flatMap((path) =>
        [ALL_TYPES, TYPE_BITS.created, TYPE_BITS.set | TYPE_BITS.deleted].map((types) => ({
          spec: specOf(scope, path, types),
        })),
      ),
    );
    for (const watcher of watchers) index.add(watcher);
    expect(index.size).toBe(watchers.length);
    for (const type of TYPES) {
      for (const path of PATHS) {
        const found: unknown[] = [];
        index.match(type, path, (watcher) => found.push(watcher));
        const expected = watchers.filter(({ spec }) => matches(spec, type, path));
        expect(new Set(found)).toEqual(new Set(expected));
        expect(found).toHaveLength(expected.length);
      }
    }
    for (const watcher of watchers) index.delete(watcher);
    expect(index.size).toBe(0);
    expect([...index.values()]).toEqual([]);
  });

  it('means by a subtree the node and what is below it, not what begins with the same letters', () => {
    expect(matches(specOf('subtree', '/a'), 'set', '/ab')).toBe(false);
    expect(matches(specOf('subtree', '/a'), 'set', '/a/b')).toBe(true);
    expect(matches(specOf('subtree', '/'), 'set', '/x')).toBe(true);
  });

  it('means by children their comings and goings, and those of the node itself', () => {
    const spec = specOf('children', '/a');
    expect(matches(spec, 'created', '/a/b')).toBe(true);
    expect(matches(spec, 'deleted', '/a')).toBe(true);
    expect(matches(spec, 'set', '/a')).toBe(false);
    expect(matches(spec, 'created', '/a/b/c')).toBe(false);
    expect(matches(specOf('children', '/'), 'created', '/x')).toBe(true);
  });
});
