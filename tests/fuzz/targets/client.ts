import { isDeepStrictEqual } from 'node:util';
import { create, toBinary } from '@bufbuild/protobuf';
import { AttachResponseSchema, ErrorDetailSchema, Outcome } from '@zkl/protocol';
import { appendReply, ByteWriter, FrameCutter } from '@zkl/wire';
import fc from 'fast-check';
import { GarbledReply } from '../../../packages/client-sdk/src/calls/operation.js';
import type { StreamingChannel, StreamListener } from '../../../packages/client-sdk/src/channel/channel.js';
import { parseErrorBody } from '../../../packages/client-sdk/src/channel/error-body.js';
import { readGrpcStatus } from '../../../packages/client-sdk/src/channel/node/grpc-status.js';
import { decodeText } from '../../../packages/client-sdk/src/codec/data.js';
import { jsonCodec } from '../../../packages/client-sdk/src/node/codec.js';
import { AttachedStream } from '../../../packages/client-sdk/src/stream/attached-stream.js';
import { SharedBatch } from '../../../packages/client-sdk/src/watch/shared-batch.js';
import { WatchBatches } from '../../../packages/client-sdk/src/watch/watch-batches.js';
import { result } from '../../../packages/wire/src/testing/arbitraries.js';
import { Random } from '../engine/random.js';
import { bytesOfText, codeOf, must, textOf, type FuzzTarget } from '../engine/target.js';

const detail = toBinary(
  ErrorDetailSchema,
  create(ErrorDetailSchema, { code: 'NO_NODE', number: -101, outcome: Outcome.REJECTED, path: '/a' }),
);

const errorBody: FuzzTarget = {
  name: 'client-error-body',
  covers: ['packages/client-sdk/src/channel/error-body.ts'],
  valid: fc
    .constantFrom(
      {
        code: 'not_found',
        message: 'x',
        details: [{ type: 'zkl.v1.ErrorDetail', value: Buffer.from(detail).toString('base64') }],
      },
      { code: 'internal', __proto__: { message: 'x' } },
      { code: 'x', details: [{}, null, 5, { type: 'zkl.v1.ErrorDetail', value: 5 }] },
    )
    .map((body) => bytesOfText(JSON.stringify(body))),
  run: (input) => {
    const refused = parseErrorBody(input);
    if (refused === undefined) return 'none';
    must(typeof refused.code === 'string' && typeof refused.message === 'string', 'an error without code or message');
    return refused.detail === undefined ? 'error' : 'detail';
  },
};

const grpcStatus: FuzzTarget = {
  name: 'client-grpc-status',
  covers: ['packages/client-sdk/src/channel/node/grpc-status.ts'],
  valid: fc
    .constantFrom(
      ['5', 'no%20node', 'CAUSGC=='],
      ['0', '', ''],
      ['16', '%', Buffer.from([0x1a, 4, 10, 2, 47, 97]).toString('base64')],
    )
    .map((parts) => bytesOfText(parts.join('\n'))),
  run: (input) => {
    const [status, message, details] = textOf(input).split('\n');
    const read = readGrpcStatus({
      'grpc-status': status ?? '',
      'grpc-message': message ?? '',
      'grpc-status-details-bin': details ?? '',
    });
    if (read === undefined || read === 'ok') return String(read);
    must(typeof read.code === 'string' && read.code !== '', 'a status without a name');
    return `${read.code} ${read.detail === undefined}`;
  },
};

function envelope(payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

const frames: FuzzTarget = {
  name: 'client-frames',
  covers: ['packages/wire/src/frame-cutter.ts'],
  valid: fc
    .array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 })
    .map((list) => new Uint8Array(Buffer.concat(list.map((one) => envelope(one))))),
  run: (input) => {
    // However the bytes are cut, the messages are the same.
    const read = (size: () => number): { readonly messages: Uint8Array[]; readonly failed: string | undefined } => {
      const cutter = new FrameCutter(65_536);
      const messages: Uint8Array[] = [];
      for (let at = 0; at < input.length;) {
        cutter.push(input.slice(at, (at += size())));
        while (cutter.next()) messages.push(new Uint8Array([cutter.kind, ...cutter.payload]));
        if (cutter.isTooLarge) return { messages, failed: 'too large' };
      }
      return { messages, failed: undefined };
    };
    const random = new Random(input.length);
    const whole = read(() => input.length || 1);
    const pieces = read(() => random.pick([1, 2, 5, 100, 4_000]));
    must(isDeepStrictEqual(whole, pieces), 'messages that differ with the pieces that they come in');
    return whole.failed ?? `${Math.min(3, whole.messages.length)}`;
  },
};

const replies = fc.array(result, { maxLength: 3 }).map((list) => {
  const writer = new ByteWriter();
  for (const one of list) appendReply(one, writer);
  return writer.content();
});
const node = { path: '/a', stat: { version: 1 }, data: new Uint8Array([1]) };
const welcome = { layout: 1, sessionTimeoutMs: 1_000 };
const response = fc
  .oneof(
    fc.constant({ welcome }),
    replies.map((bytes) => ({ replies: bytes })),
    fc.constant<object>({
      events: [{ zxid: 5n, watchIds: [1], events: [{ type: 1, path: '/a', stat: { version: 1 } }] }],
    }),
    fc.constant<object>({
      events: [{ zxid: 5n, watchIds: [1], snapshot: { first: true, last: true, nodes: [node] } }],
    }),
    fc.constant({ pong: 7n }),
    replies.map((bytes) => ({ leader: { leaderId: 2, epoch: 3 }, replies: bytes })),
    fc.constant({ goodbye: { code: 'SHUTTING_DOWN' } }),
  )
  .map((fields) => envelope(toBinary(AttachResponseSchema, create(AttachResponseSchema, fields))));

/** A channel that gives a stream the messages that it is told to. */
class Script {
  listener: StreamListener | undefined;
  closed = false;
  readonly channel = {
    openStream: (_method: unknown, listener: StreamListener) => {
      this.listener = listener;
      return {
        send: () => true,
        defer: (callback: () => void) => callback(),
        keepAlive: () => undefined,
        close: () => (this.closed = true),
      };
    },
  } as unknown as StreamingChannel;
}

const attached: FuzzTarget = {
  name: 'client-session-stream',
  covers: [
    'packages/client-sdk/src/stream/attached-stream.ts',
    'packages/client-sdk/src/watch/watch-batches.ts',
    'packages/client-sdk/src/codec/unary-stat.ts',
  ],
  valid: fc
    .array(response, { maxLength: 5 })
    .map(
      (list) =>
        new Uint8Array(
          Buffer.concat([envelope(toBinary(AttachResponseSchema, create(AttachResponseSchema, { welcome }))), ...list]),
        ),
    ),
  run: (input) => {
    const script = new Script();
    const batches = new WatchBatches({ data: true, stat: true, previousData: true, root: '/app' });
    let ends = 0;
    let outcome = '';
    new AttachedStream(
      script.channel,
      {},
      {
        onWelcome: () => (outcome += 'w'),
        onLeader: () => (outcome += 'l'),
        onEvents: (list) => {
          for (const batch of list) outcome += (batches.step(new SharedBatch(batch), undefined)?.kind ?? '-')[0];
        },
        onReplies: () => (outcome += 'r'),
        onPong: (number) => must(Number.isInteger(number), 'a pong that is no number'),
        onDrain: () => undefined,
        onEnd: ({ kind }) => {
          ends += 1;
          outcome += ` ${kind}`;
        },
      },
    );
    try {
      const cutter = new FrameCutter(65_536);
      cutter.push(input);
      while (cutter.next()) script.listener?.onMessage(cutter.payload);
    } catch (error) {
      return codeOf(error, GarbledReply);
    }
    must(ends <= 1 && (ends === 0 || script.closed), 'a stream that ended twice, or stayed open');
    return outcome.slice(0, 4) + outcome.replace(/^[^ ]*/, '');
  },
};

const data: FuzzTarget = {
  name: 'client-data',
  covers: ['packages/client-sdk/src/codec/data.ts', 'packages/client-sdk/src/node/codec.ts'],
  valid: fc.oneof(
    fc.json().map(bytesOfText),
    fc.constant(bytesOfText('{"__proto__":{"polluted":true},"constructor":{"prototype":{}}}')),
  ),
  run: async (input) => {
    must(typeof decodeText(input) === 'string', 'no text');
    try {
      const value = await jsonCodec().decode(input);
      return typeof value;
    } catch (error) {
      return codeOf(error, SyntaxError);
    }
  },
};

/** What a client reads from a server. */
export const clientTargets: readonly FuzzTarget[] = [errorBody, grpcStatus, frames, attached, data];
