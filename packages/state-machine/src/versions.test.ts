import { expect, it } from 'vitest';
import { ColumnStore } from './column-store.js';
import * as f from './node-fields.js';
import { nextVersion } from './znode-store.js';

it('versions are int32 and skip -1 when they wrap', () => {
  expect(nextVersion(0)).toBe(1);
  expect(nextVersion(0x7fff_ffff)).toBe(-0x8000_0000);
  expect(nextVersion(-3)).toBe(-2);
  expect(nextVersion(-2)).toBe(0);
});

it('a set at the last version before -1 gives 0, and the digest stays that of the state', () => {
  const store = ColumnStore.withRoot();
  const moment = { epoch: 1, counter: 1, timeLow: 0, timeHigh: 0 };
  store.table.digestData(store.root, -1);
  store.table.rows.set(store.root, f.VERSION, -2);
  store.table.digestData(store.root, 1);
  store.setData(store.root, new Uint8Array(0), 0, 0, moment);
  expect(store.version(store.root)).toBe(0);
  const plain = ColumnStore.withRoot();
  plain.table.digestData(plain.root, -1);
  plain.table.rows.set(plain.root, f.VERSION, -1);
  plain.table.digestData(plain.root, 1);
  plain.setData(plain.root, new Uint8Array(0), 0, 0, moment);
  expect(store.table.digestA).toBe(plain.table.digestA);
});
