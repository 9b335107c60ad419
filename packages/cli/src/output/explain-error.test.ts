import { ZklError } from '@zkl/client-sdk';
import { describe, expect, test } from 'vitest';
import { ClusterError } from '../cluster/errors.js';
import { explainError, formatExplanation, UsageError } from './explain-error.js';
import { createStyle } from './style.js';

const zklError = (init: Partial<ConstructorParameters<typeof ZklError>[0]>): ZklError =>
  new ZklError({ code: 'BAD_VERSION', message: 'it has version 4', outcome: 'rejected', ...init });

describe('an error tells what happened, whether the write took effect, and what to do', () => {
  test('a refused write', () => {
    const explanation = explainError(zklError({ path: '/a', zxid: (1n << 32n) | 9n }), true);
    expect(explanation).toMatchObject({ code: 'BAD_VERSION', exitCode: 1, happened: 'it has version 4.' });
    expect(explanation.effect).toBe(
      'none: it was ordered at zxid 0x100000009 (1:9) and refused there, the same on every server',
    );
    expect(explanation.hint).toContain('stat');
    expect(explanation.json).toEqual({
      error: {
        ...{ code: 'BAD_VERSION', message: 'BAD_VERSION: it has version 4.', outcome: 'rejected', retryable: false },
        ...{ path: '/a', zxid: '0x100000009', hint: explanation.hint },
      },
    });
  });

  test('a write whose outcome is unknown has an exit code of its own, and is not to be repeated blindly', () => {
    const explanation = explainError(zklError({ code: 'TIMEOUT', message: 'no answer', outcome: 'unknown' }), true);
    expect(explanation).toMatchObject({ exitCode: 3, effect: expect.stringContaining('UNKNOWN') as string });
    expect(explanation.hint).toContain('Read before writing again');
  });

  test('a read has no effect to speak of', () => {
    expect(explainError(zklError({ code: 'NO_NODE' }), false)).toMatchObject({ effect: undefined, exitCode: 1 });
  });

  test('usage, processes, interruption, and what nobody expected', () => {
    expect(explainError(new UsageError('so not', 'but so'), false)).toMatchObject({
      code: 'USAGE',
      exitCode: 2,
      hint: 'but so',
    });
    expect(explainError(new ClusterError('PORT_IN_USE', 'taken', 'choose'), false)).toMatchObject({
      code: 'PORT_IN_USE',
      exitCode: 1,
    });
    expect(explainError(new DOMException('interrupted', 'AbortError'), true)).toMatchObject({ exitCode: 130 });
    expect(explainError(zklError({ code: 'ABORTED' }), true)).toMatchObject({ exitCode: 130 });
    expect(explainError(zklError({ code: 'ABORTED', outcome: 'unknown' }), true)).toMatchObject({ exitCode: 3 });
    expect(explainError(new Error('odd'), false)).toMatchObject({ code: 'INTERNAL', happened: 'odd', exitCode: 1 });
  });

  test('is shown on lines of its own', () => {
    const text = formatExplanation(explainError(zklError({}), true), createStyle(false));
    expect(text.split('\n').map((line) => line.trim().split(/\s+/)[0])).toEqual(['BAD_VERSION', 'effect', 'to']);
  });
});
