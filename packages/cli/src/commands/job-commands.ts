import { UsageError } from '../output/explain-error.js';
import type { CommandSpec } from './command.js';
import { integerIn } from './option-parsers.js';

const jobId = integerIn('a job', 1, Number.MAX_SAFE_INTEGER);

/** The commands about what goes on behind the prompt. */
export const jobCommands: readonly CommandSpec[] = [
  {
    name: 'jobs',
    summary: 'list the watches and locks that go on behind the prompt',
    examples: ['jobs'],
    only: 'shell',
    run: async ({ output, shell }) => {
      const jobs = shell?.jobs.list() ?? [];
      if (jobs.length === 0 && !output.json) output.answer({}, () => 'there are none');
      for (const { id, title } of jobs)
        output.answer({ command: 'jobs', job: id, title }, () => `${String(id).padStart(3)}  ${title}`);
    },
  },
  {
    name: 'stop',
    args: '[job]',
    summary: 'end a watch, or give a lock back; without a number: all of them',
    examples: ['stop 1', 'stop'],
    only: 'shell',
    run: async ({ output, shell }, [wanted]) => {
      const id = wanted === undefined ? undefined : jobId(wanted);
      const stopped = (await shell?.jobs.stop(id)) ?? [];
      if (id !== undefined && stopped.length === 0) throw new UsageError(`there is no job ${id}`, 'See `jobs`.');
      output.answer({ command: 'stop', stopped: stopped.map((job) => job.id) }, () =>
        stopped.length === 0 ? 'nothing was going on' : stopped.map((job) => `stopped ${job.title}`).join('\n'),
      );
    },
  },
];
