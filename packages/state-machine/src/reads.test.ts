import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAGE_CHILDREN_MAX } from './limits.js';
import { Feeder } from './testing/blocks.js';
import { namesOf } from './testing/dump.js';

function family(count: number, data = ''): Feeder {
  const feeder = new Feeder();
  feeder.create('/f');
  const commands = Array.from({ length: count }, (_, i) => ({
    command: {
      kind: 'create',
      path: `/f/${String((i * 7919) % count).padStart(6, '0')}`,
      data: new Uint8Array(data.length),
      mode: 'persistent',
    } as const,
  }));
  feeder.applyAll(commands);
  return feeder;
}

describe('get and exists', () => {
  it('a missing node is NO_NODE for get, and no stat for exists', () => {
    const { machine } = new Feeder();
    expect(machine.get('/a/b')).toEqual({ kind: 'error', code: 'NO_NODE', path: '/a/b' });
    expect(machine.exists('/a/b')).toEqual({ kind: 'exists', stat: undefined });
  });

  it('hands out data that later writes do not change, and whose change changes nothing', () => {
    const feeder = new Feeder();
    for (const size of [3, 100, 20_000]) {
      feeder.create(`/a${size}`, 'x'.repeat(size));
      const answer = feeder.machine.get(`/a${size}`);
      if (answer.kind === 'error' || answer.data === null) throw new Error('no data');
      feeder.set(`/a${size}`, 'y'.repeat(size));
      expect(answer.data.every((byte) => byte === 0x78)).toBe(true);
      answer.data.fill(0);
      expect(feeder.machine.get(`/a${size}`)).toMatchObject({ data: new Uint8Array(size).fill(0x79) });
    }
  });

  it('read the same while values grow and shrink', () => {
    const feeder = new Feeder();
    const model = new Map<string, string>();
    for (let i = 0; i < 400; i++) {
      const path = `/n${i % 7}`;
      const value = String.fromCharCode(97 + (i % 26)).repeat((i * 31) % 500);
      if (model.has(path)) feeder.set(path, value);
      else feeder.create(path, value);
      model.set(path, value);
    }
    for (const [path, value] of model) {
      const answer = feeder.machine.get(path);
      expect(answer.kind === 'node' && answer.data !== null && String.fromCharCode(...answer.data)).toBe(value);
    }
  });
});

describe('children', () => {
  it("come in the order of their names' UTF-8 bytes", () => {
    const names = fc.uniqueArray(
      fc.string({
        unit: fc.constantFrom('a', 'b', 'z', 'é', '中', '\uffef', ' ', '~', '\uf900'),
        minLength: 1,
        maxLength: 4,
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 7 }), (list, limit) => {
        const feeder = new Feeder();
        for (const name of list) feeder.create(`/${name}`);
        const byBytes = [...list].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(namesOf(feeder.machine, '/', limit)).toEqual(byBytes);
        const gone = list.filter((_, i) => i % 3 === 0);
        for (const name of gone) feeder.delete(`/${name}`);
        expect(namesOf(feeder.machine, '/', limit)).toEqual(byBytes.filter((name) => !gone.includes(name)));
      }),
    );
  });

  it('startAfter need not exist, and the page after the last is empty', () => {
    const feeder = family(5);
    const after = (startAfter: string): unknown => feeder.machine.children('/f', { startAfter, limit: 2 });
    expect(after('000001x')).toMatchObject({ children: [{ name: '000002' }, { name: '000003' }], more: true });
    expect(after('000003')).toMatchObject({ children: [{ name: '000004' }], more: false });
    expect(after('zzz')).toMatchObject({ children: [], more: false });
    expect(after('\u0000')).toMatchObject({ children: [{ name: '000000' }, { name: '000001' }] });
  });

  it('carry data and stat when asked, and neither when not', () => {
    const feeder = family(2, 'abc');
    expect(feeder.machine.children('/f')).toMatchObject({
      children: [{ name: '000000', stat: undefined, data: undefined }, { name: '000001' }],
      stat: { numChildren: 2, cversion: 2 },
    });
    const full = feeder.machine.children('/f', { withStat: true, withData: true });
    expect(full).toMatchObject({ children: [{ stat: { dataLength: 3 }, data: new Uint8Array(3) }, {}] });
  });

  it('a page ends before it outgrows maxBytes, but holds at least one child', () => {
    const feeder = family(10, 'x'.repeat(100));
    const page = feeder.machine.children('/f', { withData: true, maxBytes: 400 });
    expect(page).toMatchObject({ children: [{}, {}, {}], more: true });
    expect(feeder.machine.children('/f', { withData: true, maxBytes: 1 })).toMatchObject({
      children: [{}],
      more: true,
    });
  });

  it('refuses limits that are out of bounds', () => {
    const { machine } = family(1);
    for (const options of [
      { limit: 0 },
      { limit: PAGE_CHILDREN_MAX + 1 },
      { limit: 1.5 },
      { maxBytes: 0 },
      { startAfter: 'x'.repeat(5000) },
    ]) {
      expect(machine.children('/f', options)).toMatchObject({ kind: 'error', code: 'BAD_ARGUMENTS' });
    }
    expect(machine.children('/none')).toEqual({ kind: 'error', code: 'NO_NODE', path: '/none' });
  });

  it('many of one node: a page is quick, also between creates (100,000 of them in bench/hot-path.mts)', () => {
    const feeder = family(20_000);
    const pagesMs: number[] = [];
    for (let i = 0; i < 50; i++) {
      feeder.create(`/f/${i}-new`);
      const start = performance.now();
      const page = feeder.machine.children('/f', { startAfter: String(i * 399).padStart(6, '0'), limit: 100 });
      pagesMs.push(performance.now() - start);
      expect(page).toMatchObject({ more: true });
    }
    // The middle one: the machine may be busy with other things.
    expect(pagesMs.sort((a, b) => a - b)[25]).toBeLessThan(20);
    expect(namesOf(feeder.machine, '/f', 10_000).length).toBe(20_050);
  });
});
