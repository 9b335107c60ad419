import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { weightOf, type Block } from './block.js';
import { LearnerProgress } from './learner-progress.js';

function block(counter: number, bytes: number): Block {
  return {
    epoch: 1,
    leader: 1,
    firstCounter: counter,
    count: 1,
    prevEpoch: counter === 1 ? 0 : 1,
    prevCounter: counter - 1,
    committedEpoch: 0,
    committedCounter: 0,
    timeMs: 0,
    payload: new Uint8Array(bytes),
    record: undefined,
  };
}

describe('LearnerProgress', () => {
  it('takes acknowledgements cumulatively; one that comes late changes nothing', () => {
    const learner = new LearnerProgress(2, 1, 'voter', 0, 0);
    learner.onSent([block(1, 10), block(2, 10)]);
    learner.onSent([block(3, 10)]);
    learner.onDurable({ epoch: 1, counter: 3 });
    learner.onDurable({ epoch: 1, counter: 1 });
    expect(learner.durable).toEqual({ epoch: 1, counter: 3 });
    expect(learner.inflightBytes).toBe(0);
  });

  it('knows what is on its way: what was sent less what was acknowledged, by message', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100), { minLength: 1, maxLength: 20 }), fc.array(fc.nat(25)), (sizes, acks) => {
        const learner = new LearnerProgress(2, 1, 'voter', 0, 0);
        const blocks = sizes.map((bytes, index) => block(index + 1, bytes));
        for (const each of blocks) learner.onSent([each]);
        let durable = 0;
        for (const counter of acks) {
          learner.onDurable({ epoch: 1, counter: Math.min(counter, blocks.length) });
          durable = Math.max(durable, Math.min(counter, blocks.length));
          const left = blocks.slice(durable).reduce((sum, each) => sum + weightOf(each), 0);
          expect(learner.inflightBytes).toBe(left);
        }
      }),
    );
  });
});
