import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinOperations, splitOperations } from './payload.js';

describe('payload', () => {
  it('gives back the writes that were put in, empty ones included', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (operations) => {
        const bytes = operations.reduce((sum, operation) => sum + operation.byteLength, 0);
        expect(splitOperations(joinOperations(operations, bytes))).toEqual(operations);
      }),
    );
  });

  it('refuses lengths that do not add up', () => {
    const payload = joinOperations([new Uint8Array([1, 2, 3])], 3);
    expect(() => splitOperations(payload.subarray(0, 6))).toThrow(RangeError);
    expect(() => splitOperations(payload.subarray(0, 3))).toThrow(RangeError);
  });
});
