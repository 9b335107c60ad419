import { describe, expect, it } from 'vitest';
import { DirectRun, type DirectListener, type DirectOwner } from './direct-run.js';
import type { ChangeEvent } from './watch.js';

const event = (zxid: bigint): ChangeEvent => ({ type: 'set', path: '/a', zxid });

/** What befalls the watches of a run, one line each. */
class Watches {
  readonly run = new DirectRun();
  readonly lines: string[] = [];
  readonly owners: DirectOwner[] = [];

  add(name: string, listener: DirectListener = () => undefined, told = 1n): boolean {
    const owner: DirectOwner = {
      place: 0,
      stepOf: () => undefined,
      onSingle: (handedOut, isCalled) =>
        this.lines.push(`${name} alone at ${handedOut}${isCalled ? ' in its call' : ''}`),
      onAnswer: (answer) => this.lines.push(`${name} answered ${answer instanceof Promise ? 'later' : String(answer)}`),
      onThrown: (error) => this.lines.push(`${name} threw ${(error as Error).message}`),
    };
    this.owners.push(owner);
    const call: DirectListener = (each) => {
      this.lines.push(`${name} ${each.zxid}`);
      return listener(each);
    };
    return this.run.add(owner, call, told);
  }

  placeOf(index: number): number {
    return this.owners[index]!.place;
  }

  handedOut(): bigint[] {
    return this.owners.map(({ place }) => this.run.handedOut(place));
  }

  tell(zxid: bigint): string[] {
    this.lines.length = 0;
    this.run.tell(event(zxid), zxid);
    return this.lines;
  }
}

describe('a run of listeners', () => {
  it('calls each with each event, in order', () => {
    const watches = new Watches();
    for (const name of ['a', 'b', 'c']) watches.add(name);
    expect(watches.tell(2n)).toEqual(['a 2', 'b 2', 'c 2']);
    expect(watches.tell(3n)).toEqual(['a 3', 'b 3', 'c 3']);
  });

  it('takes only those in who have come to the same place', () => {
    const watches = new Watches();
    expect(watches.add('a', undefined, 5n)).toBe(true);
    expect(watches.add('b', undefined, 6n)).toBe(false);
    expect(watches.add('c', undefined, 5n)).toBe(true);
    expect(watches.run.size).toBe(2);
  });

  it('knows of each what was handed to it, also in the middle of it', () => {
    const watches = new Watches();
    const seen: bigint[][] = [];
    for (const name of ['a', 'b', 'c']) watches.add(name, () => void seen.push(watches.handedOut()));
    watches.tell(2n);
    expect(seen).toEqual([
      [2n, 1n, 1n],
      [2n, 2n, 1n],
      [2n, 2n, 2n],
    ]);
    expect(watches.handedOut()).toEqual([2n, 2n, 2n]);
    watches.run.pass(3n);
    expect(watches.handedOut()).toEqual([3n, 3n, 3n]);
  });

  it('lets go of one that is to be waited for, and not of one that returned something else', () => {
    const watches = new Watches();
    watches.add('a', () => Promise.resolve());
    watches.add('b', () => 5);
    watches.add('c', () => null);
    expect(watches.tell(2n)).toEqual(['a 2', 'a alone at 2 in its call', 'a answered later', 'b 2', 'c 2']);
    expect(watches.tell(3n)).toEqual(['b 3', 'c 3']);
  });

  it('lets go of one that throws, and tells all the others', () => {
    const watches = new Watches();
    watches.add('a');
    watches.add('b', () => {
      throw new Error('mine');
    });
    watches.add('c');
    expect(watches.tell(2n)).toEqual(['a 2', 'b 2', 'b alone at 2 in its call', 'b threw mine', 'c 2']);
    expect(watches.tell(3n)).toEqual(['a 3', 'c 3']);
  });

  it('lets a listener take out itself, one before it, and one after it, each with what it was told', () => {
    const watches = new Watches();
    watches.add('a');
    watches.add('b', () => {
      for (const index of [1, 0, 2]) watches.run.remove(watches.placeOf(index));
    });
    watches.add('c');
    watches.add('d');
    expect(watches.tell(2n)).toEqual([
      'a 2',
      'b 2',
      'b alone at 2 in its call',
      'a alone at 2',
      'c alone at 1',
      'b answered undefined',
      'd 2',
    ]);
    expect(watches.tell(3n)).toEqual(['d 3']);
    expect(watches.run.size).toBe(1);
  });

  it('takes nobody in from within a call', () => {
    const watches = new Watches();
    const added: boolean[] = [];
    watches.add('a', () => void added.push(watches.add('b', undefined, 2n)));
    expect(watches.tell(2n)).toEqual(['a 2']);
    expect(added).toEqual([false]);
  });

  it('is the same for those who stay, however many left before them', () => {
    const watches = new Watches();
    for (let name = 0; name < 100; name += 1) watches.add(String(name));
    for (let index = 0; index < 100; index += 1) if (index % 10 !== 3) watches.run.remove(watches.placeOf(index));
    const stayed = ['3', '13', '23', '33', '43', '53', '63', '73', '83', '93'];
    expect(watches.tell(2n)).toEqual(stayed.map((name) => `${name} 2`));
    expect(stayed.map((name) => watches.run.handedOut(watches.placeOf(Number(name))))).toEqual(stayed.map(() => 2n));
  });

  it('lets all go', () => {
    const watches = new Watches();
    for (let name = 0; name < 5; name += 1) watches.add(String(name));
    watches.tell(2n);
    watches.lines.length = 0;
    watches.run.dissolve();
    expect([...watches.lines].sort()).toEqual([0, 1, 2, 3, 4].map((name) => `${name} alone at 2`));
    expect(watches.run.size).toBe(0);
    expect(watches.tell(3n)).toEqual([]);
  });
});
