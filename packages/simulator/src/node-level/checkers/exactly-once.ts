import { endOf, formatZxid, splitOperations } from '@zkl/consensus';
import { decodeCommand, type Result } from '@zkl/state-machine';
import type { NodeCheckerFactory } from '../node-checker.js';
import { sameResults } from '../node-ledger.js';

/** A named write that stands in the log more than once has one result, that of the first time; and what clients are told is the result in the history. */
export const exactlyOnce: NodeCheckerFactory = (world) => {
  const first = new Map<string, Result>();
  return {
    onApplied: (_server, block, results, _digest, isNew) => {
      if (!isNew) return;
      splitOperations(block.payload).forEach((operation, index) => {
        const writeId = decodeCommand(operation)?.writeId;
        if (writeId === undefined) return;
        const name = `${writeId.clientId}/${writeId.requestId}`;
        const result = results[index]!;
        const known = first.get(name);
        if (known === undefined || isNotAdmitted(known)) first.set(name, result);
        else if (!sameResults([known], [result]) && !isNotAdmitted(result)) {
          const where = formatZxid(endOf(block));
          world.violate(
            'exactly-once',
            `${name} comes again in ${where}, and has another result: ${JSON.stringify(result)}`,
          );
        }
      });
    },
    onReply: (server, client, requestId, result) => {
      const name = `${client}/${requestId}`;
      const known = first.get(name);
      if (known !== undefined && sameResults([known], [result])) return;
      // What the table refuses is not remembered, but has its place in the history all the same.
      const applied = world.ledger.holding(result.zxid);
      const there = applied?.results[result.zxid.counter - applied.block.firstCounter];
      if (isNotAdmitted(result) && there !== undefined && sameResults([there], [result])) return;
      world.violate(
        'replies-are-committed',
        `server ${server.id} tells ${name} ${JSON.stringify(result)}, which is not in the history`,
      );
    },
  };
};

/** The table refused it: nothing was applied, and nothing is remembered. */
function isNotAdmitted(result: Result): boolean {
  return result.kind === 'error' && (result.code === 'STALE_REQUEST' || result.code === 'CLIENT_FORGOTTEN');
}
