import { endOf, formatZxid, type Message } from '@zkl/consensus';

/** A message in a line: what a reader of a trace wants to know of it. */
export function describeMessage(message: Message): string {
  switch (message.kind) {
    case 'notification': {
      const { state, round, vote, standing } = message;
      const standingNote = standing === 'voter' ? '' : ` (${standing})`;
      return `notification ${state}${standingNote} round ${round}: ${vote.leader} at epoch ${vote.epoch}, ${formatZxid(vote.zxid)}`;
    }
    case 'append': {
      const { blocks, committed } = message;
      const first = blocks[0];
      const range =
        first === undefined
          ? 'nothing'
          : `${formatZxid(endOf(first))} .. ${formatZxid(endOf(blocks[blocks.length - 1]!))}`;
      return `append ${range}, committed ${formatZxid(committed)}`;
    }
    default: {
      const details = Object.entries(message)
        .filter(([name]) => name !== 'kind' && name !== 'attempt')
        .map(([name, value]) => `${name} ${typeof value === 'object' ? formatZxid(value as never) : String(value)}`);
      return `${message.kind} ${details.join(', ')}`.trimEnd();
    }
  }
}
