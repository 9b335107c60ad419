import { expect, it } from 'vitest';
import { prettyLine } from './pretty-stream.js';

const line = (fields: object): string => `${JSON.stringify({ time: '2026-01-02T03:04:05.678Z', ...fields })}\n`;

it('puts time, level, event, message and facts on one line', () => {
  const pretty = prettyLine(
    line({ level: 30, event: 'serving', serverId: 1, why: 'a b', msg: 'takes part in a quorum' }),
    false,
  );
  expect(pretty).toBe('03:04:05.678 info  serving takes part in a quorum serverId=1 why="a b"\n');
});

it('colours the level, and shows where an error came from', () => {
  const pretty = prettyLine(
    line({ level: 60, event: 'failed', error: { message: 'no disk', stack: 'Error: no disk\n    at x' } }),
    true,
  );
  expect(pretty).toBe('03:04:05.678 \u001b[35mfatal\u001b[0m failed no disk\nError: no disk\n    at x\n');
});

it('leaves alone what is no log line', () => {
  expect(prettyLine('plain text\n', true)).toBe('plain text\n');
});
