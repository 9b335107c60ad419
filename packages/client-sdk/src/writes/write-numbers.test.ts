import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WriteIdentity } from './write-identity.js';
import { WriteNumbers } from './write-numbers.js';

it('calls answered what lies below the lowest open number, in whatever order writes end', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 200 }), (choices) => {
      const numbers = new WriteNumbers('c');
      const open: number[] = [];
      for (const choice of choices) {
        if (open.length === 0 || choice % 2 === 0) open.push(numbers.take());
        else numbers.settle(open.splice(choice % open.length, 1)[0]!);
        const lowest = open.length === 0 ? numbers.taken + 1 : Math.min(...open);
        expect(numbers.answeredThrough).toBe(lowest - 1);
        expect(numbers.span).toBe(numbers.taken - lowest + 1);
        for (const number of open) {
          const id = numbers.writeId(number);
          expect(id.requestId).toBeGreaterThan(id.answeredThrough ?? 0n);
        }
      }
    }),
  );
});

it('settles a number twice without harm', () => {
  const numbers = new WriteNumbers('c');
  const [first, second] = [numbers.take(), numbers.take()];
  numbers.settle(second);
  numbers.settle(second);
  expect(numbers.answeredThrough).toBe(0);
  numbers.settle(first);
  expect(numbers.answeredThrough).toBe(2);
});

it('takes another id after a long silence, but not while a write is open', () => {
  const identity = new WriteIdentity();
  const first = identity.numbersForNextWrite(0);
  const open = first.take();
  expect(identity.numbersForNextWrite(1_000_000)).toBe(first);
  first.settle(open);
  expect(identity.numbersForNextWrite(1_000_001)).toBe(first);
  const second = identity.numbersForNextWrite(2_000_000);
  expect(second.clientId).not.toBe(first.clientId);
  expect(second.clientId).toMatch(/^[A-Za-z0-9_-]{22}$/);
});
