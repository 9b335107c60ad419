import { describe, expect, it } from 'vitest';
import type { Stat } from '@zkl/wire';
import { DEFAULT_LIMITS } from './limits.js';
import { Feeder } from './testing/blocks.js';
import { namesOf } from './testing/dump.js';

/** Every line of the checklist that concerns the tree; the names of the tests are the lines. */

function statOf(feeder: Feeder, path: string): Stat {
  const answer = feeder.machine.get(path);
  if (answer.kind === 'error') throw new Error(`${answer.code} ${path}`);
  return answer.stat;
}

function withNodes(...paths: string[]): Feeder {
  const feeder = new Feeder();
  for (const path of paths) expect(feeder.create(path).kind, path).toBe('created');
  return feeder;
}

function codeOf(result: { kind: string; code?: string }): string {
  return result.kind === 'error' ? String(result.code) : result.kind;
}

describe('Paths', () => {
  it("'' and 'a' are BAD_ARGUMENTS", () => {
    const feeder = withNodes('/a');
    for (const path of ['', 'a', '/a/', '/a//b', '/a/..', '/\u0000']) {
      expect(feeder.create(path)).toMatchObject({ kind: 'error', code: 'BAD_ARGUMENTS', path });
      expect(feeder.set(path, 'x')).toMatchObject({ kind: 'error', code: 'BAD_ARGUMENTS', path });
      expect(feeder.delete(path)).toMatchObject({ kind: 'error', code: 'BAD_ARGUMENTS', path });
      expect(feeder.machine.get(path)).toEqual({ kind: 'error', code: 'BAD_ARGUMENTS', path });
      expect(feeder.machine.exists(path)).toEqual({ kind: 'error', code: 'BAD_ARGUMENTS', path });
      expect(feeder.machine.children(path)).toEqual({ kind: 'error', code: 'BAD_ARGUMENTS', path });
    }
    expect(feeder.createSequential('')).toMatchObject({ code: 'BAD_ARGUMENTS' });
  });

  it('creating / is NODE_EXISTS', () => {
    expect(new Feeder().create('/')).toMatchObject({ kind: 'error', code: 'NODE_EXISTS', path: '/' });
  });

  it("zkl differs: getData('') is refused; a path is validated before anything is looked up", () => {
    const feeder = new Feeder();
    expect(feeder.machine.get('')).toMatchObject({ code: 'BAD_ARGUMENTS' });
    expect(feeder.create('/missing/..')).toMatchObject({ code: 'BAD_ARGUMENTS' });
    expect(feeder.set('/missing/', 'x')).toMatchObject({ code: 'BAD_ARGUMENTS' });
  });

  it('a path that is too long is refused, and not repeated in the answer', () => {
    const path = `/${'x'.repeat(DEFAULT_LIMITS.pathBytesMax)}`;
    expect(new Feeder().create(path)).toMatchObject({ code: 'BAD_ARGUMENTS', path: undefined });
  });

  it('names like __proto__ and constructor are ordinary names', () => {
    const feeder = withNodes('/__proto__', '/__proto__/constructor', '/toString', '/hasOwnProperty');
    expect(feeder.machine.get('/__proto__/constructor')).toMatchObject({ kind: 'node' });
    expect(feeder.machine.exists('/constructor')).toEqual({ kind: 'exists', stat: undefined });
    expect(namesOf(feeder.machine, '/')).toEqual(['__proto__', 'hasOwnProperty', 'toString']);
    expect(feeder.delete('/__proto__/constructor').kind).toBe('deleted');
  });
});

describe('Create', () => {
  it('order of checks: path before parent, parent before suffix, suffix before NODE_EXISTS', () => {
    const feeder = withNodes('/a');
    expect(feeder.create('/none/./x')).toMatchObject({ code: 'BAD_ARGUMENTS' });
    expect(feeder.create('/none/x', 'x'.repeat(DEFAULT_LIMITS.valueBytesMax + 1))).toMatchObject({
      code: 'VALUE_TOO_LARGE',
    });
    expect(feeder.create('/none/x')).toMatchObject({ code: 'NO_NODE', path: '/none/x' });
    expect(feeder.createSequential('/none/x')).toMatchObject({ code: 'NO_NODE', path: '/none/x' });
    expect(feeder.create('/a')).toMatchObject({ code: 'NODE_EXISTS', path: '/a' });
  });

  it('a sequential create whose name is there is NODE_EXISTS, with the full path', () => {
    const feeder = withNodes('/a', '/a/x0000000001');
    expect(feeder.createSequential('/a/x')).toMatchObject({ code: 'NODE_EXISTS', path: '/a/x0000000001' });
  });

  it('null data and empty data are different and both are kept', () => {
    const feeder = new Feeder();
    feeder.create('/null', null);
    feeder.create('/empty', '');
    expect(feeder.machine.get('/null')).toMatchObject({ data: null, stat: { dataLength: 0 } });
    expect(feeder.machine.get('/empty')).toMatchObject({ data: new Uint8Array(0), stat: { dataLength: 0 } });
    feeder.set('/empty', null);
    feeder.set('/null', '');
    expect(feeder.machine.get('/empty')).toMatchObject({ data: null });
    expect(feeder.machine.get('/null')).toMatchObject({ data: new Uint8Array(0) });
  });

  it('a value of the limit is taken, one byte more is VALUE_TOO_LARGE on that request alone', () => {
    const feeder = new Feeder();
    const largest = 'x'.repeat(DEFAULT_LIMITS.valueBytesMax);
    expect(feeder.create('/a', largest).kind).toBe('created');
    expect(feeder.set('/a', `${largest}x`)).toMatchObject({ code: 'VALUE_TOO_LARGE', path: '/a' });
    expect(feeder.writeRegister(`${largest}x`)).toMatchObject({ code: 'VALUE_TOO_LARGE' });
    expect(feeder.set('/a', 'small').kind).toBe('set');
  });
});

describe('Stat and versions', () => {
  it('new node: version = cversion = aversion = 0, czxid = mzxid = pzxid', () => {
    const feeder = new Feeder();
    const result = feeder.create('/a', 'abc');
    const zxid = { epoch: 1, counter: 1 };
    const stat = {
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctimeMs: 1001,
      mtimeMs: 1001,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: { epoch: 0, counter: 0 },
      dataLength: 3,
      numChildren: 0,
    };
    expect(result).toEqual({ kind: 'created', zxid, path: '/a', stat, created: true });
    expect(statOf(feeder, '/a')).toEqual(stat);
  });

  it('setData: version + 1, mzxid, mtime; nothing on the parent', () => {
    const feeder = withNodes('/a', '/a/b');
    const [parent, before] = [statOf(feeder, '/a'), statOf(feeder, '/a/b')];
    const result = feeder.set('/a/b', 'hello');
    const expected = { ...before, version: 1, mzxid: { epoch: 1, counter: 3 }, mtimeMs: 1003, dataLength: 5 };
    expect(result).toEqual({ kind: 'set', zxid: { epoch: 1, counter: 3 }, stat: expected });
    expect(statOf(feeder, '/a/b')).toEqual(expected);
    expect(statOf(feeder, '/a')).toEqual(parent);
  });

  it("child create: the parent's cversion + 1 and pzxid", () => {
    const feeder = withNodes('/a');
    const before = statOf(feeder, '/a');
    feeder.create('/a/b');
    expect(statOf(feeder, '/a')).toEqual({ ...before, cversion: 1, numChildren: 1, pzxid: { epoch: 1, counter: 2 } });
  });

  it("child delete: the parent's cversion + 1 as shown, and pzxid", () => {
    const feeder = withNodes('/a', '/a/b');
    const before = statOf(feeder, '/a');
    feeder.delete('/a/b');
    expect(statOf(feeder, '/a')).toEqual({ ...before, cversion: 2, numChildren: 0, pzxid: { epoch: 1, counter: 3 } });
  });

  it("a child's setData and any grandchild's change leave the (grand)parent alone", () => {
    const feeder = withNodes('/a', '/a/b');
    const before = statOf(feeder, '/a');
    feeder.set('/a/b', 'x');
    feeder.create('/a/b/c');
    feeder.set('/a/b/c', 'x');
    feeder.delete('/a/b/c');
    expect(statOf(feeder, '/a')).toEqual(before);
  });

  it('expected version -1 skips the check; any other mismatch is BAD_VERSION', () => {
    const feeder = withNodes('/a');
    expect(feeder.set('/a', 'x', 1)).toMatchObject({ code: 'BAD_VERSION', path: '/a' });
    expect(feeder.set('/a', 'x', 0)).toMatchObject({ kind: 'set', stat: { version: 1 } });
    expect(feeder.set('/a', 'x', -1)).toMatchObject({ kind: 'set', stat: { version: 2 } });
    expect(feeder.set('/a', 'x', -2)).toMatchObject({ code: 'BAD_VERSION' });
    expect(feeder.delete('/a', 1)).toMatchObject({ code: 'BAD_VERSION' });
    expect(feeder.delete('/a', 2)).toMatchObject({ kind: 'deleted' });
  });

  it('delete: the version is checked before emptiness; non-empty is NOT_EMPTY', () => {
    const feeder = withNodes('/a', '/a/b');
    expect(feeder.delete('/a', 7)).toMatchObject({ code: 'BAD_VERSION' });
    expect(feeder.delete('/a', 0)).toMatchObject({ code: 'NOT_EMPTY', path: '/a' });
    feeder.delete('/a/b');
    expect(codeOf(feeder.delete('/a'))).toBe('deleted');
  });

  it('delete: / is BAD_ARGUMENTS; a missing node is NO_NODE', () => {
    const feeder = new Feeder();
    expect(feeder.delete('/')).toMatchObject({ code: 'BAD_ARGUMENTS', path: '/' });
    expect(feeder.delete('/a', 3)).toMatchObject({ code: 'NO_NODE', path: '/a' });
    expect(feeder.set('/a', 'x', 3)).toMatchObject({ code: 'NO_NODE', path: '/a' });
  });

  it('the root has data like any other node, and all its stat is zero before the first write', () => {
    const feeder = new Feeder();
    const zero = { epoch: 0, counter: 0 };
    expect(feeder.machine.get('/')).toMatchObject({
      data: new Uint8Array(0),
      stat: { czxid: zero, mzxid: zero, pzxid: zero },
    });
    expect(feeder.set('/', 'x')).toMatchObject({ kind: 'set', stat: { version: 1, dataLength: 1 } });
  });
});

describe('Sequential names', () => {
  it("the suffix is %010d of the parent's counter of creates: all children, shared by all prefixes", () => {
    const feeder = withNodes('/q', '/q/plain');
    expect(feeder.createSequential('/q/a-')).toMatchObject({ path: '/q/a-0000000001' });
    expect(feeder.createSequential('/q/b-')).toMatchObject({ path: '/q/b-0000000002' });
    expect(feeder.createSequential('/q/')).toMatchObject({ path: '/q/0000000003' });
    expect(feeder.createSequential('/')).toMatchObject({ path: '/0000000001' });
    expect(feeder.createSequential('/q/.')).toMatchObject({ path: '/q/.0000000004' });
    expect(feeder.machine.exists('/q/.0000000004')).toMatchObject({ stat: { version: 0 } });
  });

  it('deletes do not lower it; 2 creates and 1 delete: the next is 0000000002', () => {
    const feeder = withNodes('/q', '/q/a', '/q/b');
    feeder.delete('/q/a');
    expect(feeder.createSequential('/q/n')).toMatchObject({ path: '/q/n0000000002' });
  });

  it("a failed create does not use it up; the parent's setData does not touch it", () => {
    const feeder = withNodes('/q', '/q/a');
    feeder.create('/q/a');
    feeder.create('/q/..');
    feeder.set('/q', 'x');
    expect(feeder.createSequential('/q/n')).toMatchObject({ path: '/q/n0000000001' });
  });

  it('a node that is deleted and created again begins at 0', () => {
    const feeder = withNodes('/q', '/q/a');
    feeder.delete('/q/a');
    feeder.delete('/q');
    feeder.create('/q');
    expect(feeder.createSequential('/q/n')).toMatchObject({ path: '/q/n0000000000' });
  });
});

describe('zxid', () => {
  it('reads use none; every write uses one, a failed write included', () => {
    const feeder = withNodes('/a');
    feeder.machine.get('/a');
    feeder.machine.children('/a');
    expect(feeder.create('/a')).toMatchObject({ kind: 'error', zxid: { epoch: 1, counter: 2 } });
    expect(feeder.applyBytes([new Uint8Array([0xff])])[0]).toMatchObject({
      code: 'MARSHALLING_ERROR',
      zxid: { counter: 3 },
    });
    expect(feeder.set('/a', 'x')).toMatchObject({ zxid: { epoch: 1, counter: 4 } });
    expect(feeder.machine.appliedZxid).toEqual({ epoch: 1, counter: 4 });
  });

  it('the writes of a block have consecutive ones and one time; a later epoch begins at 1', () => {
    const feeder = new Feeder();
    const [one, two] = feeder.applyAll([
      { command: { kind: 'create', path: '/a', data: null, mode: 'persistent' } },
      { command: { kind: 'create', path: '/a/b', data: null, mode: 'persistent' } },
    ]);
    expect(one).toMatchObject({ zxid: { epoch: 1, counter: 1 }, stat: { ctimeMs: 1001 } });
    expect(two).toMatchObject({ zxid: { epoch: 1, counter: 2 }, stat: { ctimeMs: 1001 } });
    feeder.epoch = 4_000_000_000;
    feeder.counter = 0;
    expect(feeder.set('/a', 'x')).toMatchObject({ stat: { mzxid: { epoch: 4_000_000_000, counter: 1 } } });
  });

  it('the time of the log never goes back', () => {
    const feeder = withNodes('/a');
    feeder.timeMs = 500;
    expect(feeder.set('/a', 'x')).toMatchObject({ stat: { mtimeMs: 1001 } });
    feeder.timeMs = Number.NaN;
    expect(feeder.set('/a', 'x')).toMatchObject({ stat: { mtimeMs: 1001 } });
    feeder.timeMs = 2 ** 45;
    expect(feeder.set('/a', 'x')).toMatchObject({ stat: { mtimeMs: 2 ** 45 + 1 } });
    expect(feeder.machine.timeMs).toBe(2 ** 45 + 1);
  });
});
