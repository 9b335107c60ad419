import { joinOperations, splitOperations, type Block } from '@zkl/consensus';
import { decodeCommand, encodeCommand, type Command } from '@zkl/state-machine';

const SWITCHES = ['reply-cache-lost', 'expiry-lost', 'transaction-in-part'];

/**
 * What bugs of the replicated state machine, planted before it, make of a block. The chronicle and every server are given the same: so what shows is not that
 * replicas differ, but what clients see.
 */
export function plantInBlock(bugs: ReadonlySet<string>, block: Block): Block {
  if (!SWITCHES.some((name) => bugs.has(name))) return block;
  const operations = splitOperations(block.payload).map((operation) => {
    const decoded = decodeCommand(operation);
    if (decoded === undefined) return operation;
    const { writeId } = decoded;
    if (writeId === undefined) return encodeCommand(spoil(bugs, decoded.command));
    // The table of replies begins anew with every leader.
    const clientId = bugs.has('reply-cache-lost') ? `${writeId.clientId}~${block.epoch}` : writeId.clientId;
    const answeredThrough = bugs.has('reply-cache-lost') ? 0 : writeId.answeredThrough;
    return encodeCommand(spoil(bugs, decoded.command), {
      ...decoded,
      writeId: { ...writeId, clientId, answeredThrough },
    });
  });
  const bytes = operations.reduce((sum, operation) => sum + operation.byteLength, 0);
  return { ...block, payload: joinOperations(operations, bytes) };
}

function spoil(bugs: ReadonlySet<string>, command: Command): Command {
  if (command.kind === 'sessionsExpire' && bugs.has('expiry-lost')) return { ...command, sessions: [] };
  if (command.kind !== 'transaction' || !bugs.has('transaction-in-part')) return command;
  // The first of several steps takes no effect, and answers as if it had.
  const [first, ...others] = command.then;
  if (first?.kind !== 'set' || others.length === 0) return command;
  return { ...command, then: [{ ...first, data: Buffer.from('lost') }, ...others] };
}
