import { create } from '@bufbuild/protobuf';
import { Consistency, ReadOptionsSchema, type ReadOptions as ReadOptionsMessage } from '@zkl/protocol';
import type { ReadOptions } from '../options/call-options.js';
import { badArguments, show, zxid } from '../options/validate.js';
import type { Route } from '../routing/router.js';
import type { Dispatcher } from './dispatcher.js';

/** The names of {@link ReadOptions}. */
export const READ_OPTION_NAMES = ['consistency', 'atLeast'];

/** Where a read goes, and what each attempt of it carries. */
export interface ResolvedRead {
  readonly route: Route;
  readonly read: () => ReadOptionsMessage;
}

/**
 * A linearizable read sees everything by itself. A local one is told what this client has seen already, lest it go back in time when
 * another server answers.
 *
 * @throws {@link BadArgumentsError}
 */
export function resolveRead(dispatcher: Dispatcher, options: ReadOptions): ResolvedRead {
  const atLeast = zxid('atLeast', options.atLeast);
  switch (options.consistency) {
    case undefined:
    case 'linearizable':
      return {
        route: { kind: 'leader' },
        read: () => create(ReadOptionsSchema, { consistency: Consistency.LINEARIZABLE, atLeastZxid: atLeast }),
      };
    case 'local':
      return {
        route: { kind: 'any' },
        read: () => {
          const seen = dispatcher.options.monotonicReads ? dispatcher.lastSeenZxid : 0n;
          return create(ReadOptionsSchema, {
            consistency: Consistency.LOCAL,
            atLeastZxid: seen > atLeast ? seen : atLeast,
          });
        },
      };
    default:
      throw badArguments(`consistency is ${show(options.consistency)}`, "Give 'linearizable' or 'local'");
  }
}
