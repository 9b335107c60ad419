import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How often something is called. */
export interface Calls {
  /** Before any is counted: the engine compiles what is hot, and what it leaves out then is left out. */
  readonly warmCalls: number;
  /** Counted at a time: few enough that the collector does not run in between. */
  readonly calls: number;
  readonly rounds: number;
}

/**
 * Bytes that a call allocates on the heap and in buffers, whether or not they are soon garbage: the middle of several rounds. Not a time, so that other
 * load on the machine does not move it.
 */
export function allocatedBytes(
  call: (index: number) => void,
  { warmCalls, calls, rounds }: Calls = { warmCalls: 30_000, calls: 1_000, rounds: 15 },
): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
  let index = 0;
  while (index < warmCalls) call(index++);
  const seen: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    collect({ type: 'minor' });
    const before = used();
    for (let i = 0; i < calls; i += 1) call(index++);
    seen.push((used() - before) / calls);
  }
  return seen.sort((a, b) => a - b)[Math.floor(rounds / 2)] as number;
}

function used(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
