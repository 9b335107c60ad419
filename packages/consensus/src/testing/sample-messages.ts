import type { Block } from '../core/block.js';
import type { Message } from '../core/messages.js';

/** One of each kind, with the extremes of its numbers. */
export function sampleMessages(): Message[] {
  const last = { epoch: 0xffff_ffff, counter: 0xffff_ffff };
  const attempt = Number.MAX_SAFE_INTEGER;
  const epoch = 0xffff_ffff;
  const vote = { leader: 65_535, epoch, zxid: last };
  return [
    { kind: 'notification', state: 'looking', round: attempt, vote, standing: 'voter' },
    {
      kind: 'notification',
      state: 'following',
      round: 0,
      vote: { leader: 0, epoch: 0, zxid: { epoch: 0, counter: 0 } },
      standing: 'fresh',
    },
    { kind: 'notification', state: 'leading', round: 1, vote, standing: 'damaged' },
    { kind: 'followerInfo', attempt, acceptedEpoch: epoch, standing: 'fresh' },
    { kind: 'leaderInfo', attempt, epoch },
    { kind: 'ackEpoch', attempt, epoch, counts: true, currentEpoch: 7, lastZxid: last, standing: 'voter' },
    {
      kind: 'ackEpoch',
      attempt: 0,
      epoch: 0,
      counts: false,
      currentEpoch: 0,
      lastZxid: { epoch: 0, counter: 0 },
      standing: 'damaged',
    },
    { kind: 'sync', attempt, mode: 'diff', zxid: last },
    { kind: 'sync', attempt, mode: 'trunc', zxid: last },
    { kind: 'sync', attempt, mode: 'snap', zxid: last },
    { kind: 'append', attempt, blocks: [], committed: last },
    {
      kind: 'append',
      attempt,
      blocks: [sampleBlock(1, 20), sampleBlock(2, 0), sampleBlock(3, 200_000)],
      committed: last,
    },
    { kind: 'newLeader', attempt, epoch, zxid: last },
    { kind: 'ackNewLeader', attempt, epoch, zxid: last },
    { kind: 'upToDate', attempt, committed: last },
    { kind: 'ack', attempt, zxid: last },
    { kind: 'commit', attempt, committed: last },
    { kind: 'ping', attempt, barrier: attempt, committed: last },
    { kind: 'pong', attempt, barrier: attempt },
    { kind: 'readRequest', attempt, request: attempt },
    { kind: 'readReply', attempt, request: attempt, zxid: last },
    { kind: 'leaving', attempt },
    { kind: 'refuse', attempt },
  ];
}

function sampleBlock(firstCounter: number, payloadBytes: number): Block {
  return {
    epoch: 4,
    leader: 2,
    firstCounter,
    count: 1,
    prevEpoch: 4,
    prevCounter: firstCounter - 1,
    committedEpoch: 3,
    committedCounter: 12,
    timeMs: 1_700_000_000_123,
    payload: new Uint8Array(payloadBytes).map((_, index) => index % 256),
    record: undefined,
  };
}

/** Without what may differ: a block's record is made when it is first needed. Bytes are compared as plain arrays. */
export function comparable(message: Message): unknown {
  if (message.kind !== 'append') return message;
  return {
    ...message,
    blocks: message.blocks.map((block) => ({ ...block, payload: [...block.payload], record: undefined })),
  };
}
