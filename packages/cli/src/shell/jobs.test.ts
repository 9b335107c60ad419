import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Output } from '../output/output.js';
import { Jobs } from './jobs.js';
import { aborted } from '../commands/own-session.js';

function setUp() {
  const [out, error] = [new PassThrough(), new PassThrough()];
  const output = new Output({ json: false, colors: false, streams: { out, error } });
  const read = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
  return { jobs: new Jobs(() => output), output, read: () => read(out), readError: () => read(error) };
}

test('jobs are numbered, listed in order, and stopped one by one or all', async () => {
  const { jobs, output } = setUp();
  for (const title of ['watch /a', 'watch /b', 'watch /c']) jobs.start(title, output, (_, signal) => aborted(signal));
  expect(jobs.list()).toEqual([
    { id: 1, title: 'watch /a' },
    { id: 2, title: 'watch /b' },
    { id: 3, title: 'watch /c' },
  ]);
  expect(await jobs.stop(2)).toEqual([{ id: 2, title: 'watch /b' }]);
  expect(await jobs.stop(2)).toEqual([]);
  expect(jobs.list().map(({ id }) => id)).toEqual([1, 3]);
  expect((await jobs.stop()).map(({ id }) => id)).toEqual([1, 3]);
  expect(jobs.list()).toEqual([]);
  expect(jobs.start('watch /d', output, (_, signal) => aborted(signal)).id).toBe(4);
  await jobs.stop();
});

test('a job that ends by itself is not listed any more; its error is shown, but not when it was stopped', async () => {
  const { jobs, output, read, readError } = setUp();
  jobs.start('short', output, async (aside) => aside.answer({}, () => 'done'));
  jobs.start('broken', output, () => Promise.reject(new Error('it broke')));
  jobs.start('stopped', output, async (_, signal) => {
    await aborted(signal);
    throw new Error('never seen');
  });
  await expect.poll(() => jobs.list()).toEqual([{ id: 3, title: 'stopped' }]);
  await jobs.stop();
  expect(read()).toBe('done\n');
  expect(readError()).toBe('INTERNAL  it broke\n');
});
