import { describe, expect, it } from 'vitest';
import { Feeder, bytesOf } from './testing/blocks.js';

const zero = { epoch: 0, counter: 0 };

describe('the register', () => {
  it('is absent, with version 0, while nothing was ever written', () => {
    expect(new Feeder().machine.register()).toEqual({ value: undefined, version: 0, mzxid: zero, guesses: 0, hits: 0 });
  });

  it('has version 1 after the first write, and lies on /zkl/register', () => {
    const feeder = new Feeder();
    expect(feeder.writeRegister('one')).toEqual({
      kind: 'registerWritten',
      zxid: { epoch: 1, counter: 1 },
      version: 1,
    });
    expect(feeder.writeRegister('two')).toMatchObject({ version: 2 });
    expect(feeder.machine.register()).toMatchObject({
      value: bytesOf('two'),
      version: 2,
      mzxid: { epoch: 1, counter: 2 },
    });
    expect(feeder.machine.get('/zkl/register')).toMatchObject({ data: bytesOf('two'), stat: { version: 1 } });
    expect(feeder.machine.get('/zkl')).toMatchObject({ data: null, stat: { numChildren: 1 } });
  });

  it('a guess matches when the bytes are equal, and changes nothing but the counters', () => {
    const feeder = new Feeder();
    feeder.writeRegister('one');
    feeder.leader = 3;
    const before = feeder.machine.get('/zkl/register');
    expect(feeder.guessRegister('one')).toEqual({
      kind: 'guessed',
      zxid: { epoch: 1, counter: 2 },
      matched: true,
      version: 1,
      leader: 3,
    });
    expect(feeder.guessRegister('onf')).toMatchObject({ matched: false, version: 1 });
    expect(feeder.guessRegister('on')).toMatchObject({ matched: false });
    expect(feeder.machine.register()).toMatchObject({ guesses: 3, hits: 1, version: 1 });
    expect(feeder.machine.get('/zkl/register')).toEqual(before);
  });

  it('a guess when nothing was written does not match, not even an empty one', () => {
    const feeder = new Feeder();
    expect(feeder.guessRegister('')).toMatchObject({ matched: false, version: 0 });
    feeder.writeRegister('');
    expect(feeder.guessRegister('')).toMatchObject({ matched: true, version: 1 });
    expect(feeder.machine.register()).toMatchObject({ value: new Uint8Array(0), guesses: 2, hits: 1 });
  });

  it('guesses and hits are part of the digest', () => {
    const feeder = new Feeder();
    feeder.writeRegister('one');
    const digests = new Set([feeder.machine.digest]);
    feeder.timeMs--;
    feeder.guessRegister('two');
    digests.add(feeder.machine.digest);
    feeder.timeMs--;
    feeder.guessRegister('one');
    digests.add(feeder.machine.digest);
    expect(digests.size).toBe(3);
  });

  it('is a znode like any other: a set through the tree is a write of it, and null data match no guess', () => {
    const feeder = new Feeder();
    feeder.writeRegister('one');
    feeder.set('/zkl/register', 'two');
    expect(feeder.machine.register()).toMatchObject({ value: bytesOf('two'), version: 2 });
    feeder.set('/zkl/register', null);
    expect(feeder.guessRegister('')).toMatchObject({ matched: false, version: 3 });
    feeder.delete('/zkl/register');
    expect(feeder.machine.register()).toMatchObject({ value: undefined, version: 0 });
    expect(feeder.writeRegister('again')).toMatchObject({ version: 1 });
  });
});
