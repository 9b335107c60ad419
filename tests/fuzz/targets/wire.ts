import {
  appendEncodedWrite,
  appendReply,
  appendOperation,
  ByteWriter,
  CLASS_READ,
  CLASS_WATCH,
  CLASS_WRITE,
  CommandReader,
  countCodePoints,
  decodeCallEnd,
  decodeCallStart,
  decodeClose,
  decodeCommand,
  decodePing,
  decodeReplies,
  decodeResult,
  decodeSelect,
  encodeCallEnd,
  encodeCallStart,
  encodeClose,
  encodeCommand,
  encodePing,
  encodeResult,
  encodeSelect,
  FRAME_HEAD_BYTES,
  FRAME_PING,
  isValidPath,
  OperationReader,
  PATH_BYTES_MAX,
  PathScanner,
  QUERY_MULTI,
  QUERY_REGISTER,
  readUtf8,
  utf8Length,
  writeUtf8,
  type Reply,
  type SingleQuery,
  type StreamOperation,
} from '@zkl/wire';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import {
  command,
  result,
  session,
  stat,
  u32,
  u53,
  zxid,
  data,
  path,
} from '../../../packages/wire/src/testing/arbitraries.js';
import { bytesOfText, isText, must, textOf, type FuzzTarget } from '../engine/target.js';

const tags = fc.record({
  writeId: fc.record({
    clientId: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((id) => [...id].length <= 64),
    requestId: fc.integer({ min: 1, max: 2 ** 31 }),
    answeredThrough: fc.nat(),
  }),
  session,
  ordered: fc.boolean(),
});

const encodedCommand = fc.tuple(command, tags).map(([one, beside]) => encodeCommand(one, beside));

const commands: FuzzTarget = {
  name: 'wire-command',
  covers: ['command-decoder', 'command-reader', 'compare-reader', 'cursor'].map(
    (file) => `packages/wire/src/${file}.ts`,
  ),
  valid: encodedCommand,
  run: (input) => {
    const decoded = decodeCommand(input);
    // What the log's reader takes, and what the state machine's does, is the same: but for malformed texts, of which it makes an error.
    const read = new CommandReader().read(input, 0, input.length);
    must(read || decoded === undefined, 'decoded, and not readable');
    if (decoded === undefined) return 'malformed';
    const again = encodeCommand(decoded.command, decoded);
    must(
      isDeepStrictEqual(decodeCommand(again), decoded),
      'a command that means something else when it is encoded again',
    );
    return `${decoded.command.kind}${decoded.ordered ? ' ordered' : ''}`;
  },
};

const results: FuzzTarget = {
  name: 'wire-result',
  covers: ['result-codec', 'stat-codec', 'byte-writer'].map((file) => `packages/wire/src/${file}.ts`),
  valid: result.map(encodeResult),
  run: (input) => {
    const decoded = decodeResult(input);
    if (decoded === undefined) return 'malformed';
    must(
      isDeepStrictEqual(decodeResult(encodeResult(decoded)), decoded),
      'a result that means something else when it is encoded again',
    );
    return decoded.kind;
  },
};

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const single = (at: fc.Arbitrary<{ epoch: number; counter: number }>): fc.Arbitrary<Reply> =>
  fc.oneof(
    fc.record({ kind: fc.constant('node' as const), zxid: at, data, stat }),
    fc.record({ kind: fc.constant('exists' as const), zxid: at, stat: optional(stat) }),
    fc.record({
      kind: fc.constant('children' as const),
      zxid: at,
      children: fc.array(fc.record({ name: path, stat: optional(stat), data: optional(data) }), { maxLength: 5 }),
      more: fc.boolean(),
      stat,
    }),
    fc.record({ kind: fc.constant('count' as const), zxid: at, count: u53 }),
    fc.record({
      kind: fc.constant('quota' as const),
      zxid: at,
      quota: optional(
        fc.record({
          countSoft: optional(u53),
          countHard: optional(u53),
          bytesSoft: optional(u53),
          bytesHard: optional(u53),
        }),
      ),
      count: u53,
      bytes: u53,
    }),
  );
const reply: fc.Arbitrary<Reply> = fc.oneof(
  result,
  single(zxid),
  fc.record({
    kind: fc.constant('register' as const),
    zxid,
    value: optional(fc.uint8Array({ maxLength: 20 })),
    version: u32,
    mzxid: zxid,
    guesses: u53,
    hits: u53,
  }),
  zxid.chain((at) =>
    fc.record({
      kind: fc.constant('multi' as const),
      zxid: fc.constant(at),
      answers: fc.array(single(fc.constant(at)), { maxLength: 4 }) as fc.Arbitrary<never[]>,
    }),
  ),
  fc.record({ kind: fc.constantFrom('watching' as const, 'done' as const), zxid }),
);

function encodeReplies(replies: readonly Reply[]): Uint8Array {
  const writer = new ByteWriter();
  for (const one of replies) appendReply(one, writer);
  return writer.content();
}

const replies: FuzzTarget = {
  name: 'wire-replies',
  covers: ['packages/wire/src/reply-codec.ts'],
  valid: fc.array(reply, { maxLength: 5 }).map(encodeReplies),
  run: (input) => {
    const decoded = decodeReplies(input);
    if (decoded === undefined) return 'malformed';
    must(
      isDeepStrictEqual(decodeReplies(encodeReplies(decoded)), decoded),
      'replies that mean something else when they are encoded again',
    );
    return [...new Set(decoded.map(({ kind }) => kind))].sort().slice(0, 2).join();
  },
};

const singleQuery: fc.Arbitrary<SingleQuery> = fc.oneof(
  fc.record({ kind: fc.constantFrom('get' as const, 'exists' as const, 'count' as const, 'quota' as const), path }),
  fc.record({
    kind: fc.constant('children' as const),
    path,
    pageSize: fc.nat(),
    startAfter: path,
    withStat: fc.boolean(),
    withData: fc.boolean(),
  }),
);
const query = fc.oneof(
  singleQuery,
  fc.record({ kind: fc.constant('register' as const) }),
  fc.record({ kind: fc.constant('multi' as const), reads: fc.array(singleQuery, { maxLength: 4 }) }),
);
const watch = fc.record({
  id: fc.integer({ min: 1, max: 0xffff_ffff }),
  path,
  scope: fc.constantFrom('node' as const, 'children' as const, 'subtree' as const),
  from: optional(zxid),
  withData: fc.boolean(),
  withSnapshot: fc.boolean(),
});
const operation: fc.Arbitrary<StreamOperation> = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), query, linearizable: fc.boolean(), atLeast: zxid }),
  fc.record({ kind: fc.constant('watch' as const), watch }),
  fc.record({ kind: fc.constantFrom('cancelWatch' as const, 'progress' as const), id: u32 }),
  fc.record({ kind: fc.constant('sync' as const) }),
);
const operations = fc.array(fc.oneof(operation, encodedCommand), { maxLength: 5 }).map((list) => {
  const writer = new ByteWriter();
  for (const one of list) {
    if (one instanceof Uint8Array) appendEncodedWrite(one, writer);
    else appendOperation(one, writer);
  }
  return writer.content();
});

/** Goes to every query of a multi-read, as the server does. */
function checkTexts(reader: OperationReader, bytes: number): void {
  if (reader.operationClass === CLASS_READ && reader.query === QUERY_REGISTER) return;
  if (reader.operationClass !== CLASS_READ || reader.query !== QUERY_MULTI) {
    must(isText(reader.path) && isText(reader.startAfter), 'a path that is no text');
    return;
  }
  for (let queries = 0; reader.nextQuery(); queries += 1) {
    must(queries <= bytes, 'more queries than bytes');
    must(isText(reader.path), 'a path that is no text');
  }
}

const streamOperations: FuzzTarget = {
  name: 'wire-operations',
  covers: ['packages/wire/src/operation-reader.ts'],
  valid: operations,
  run: (input) => {
    const reader = new OperationReader();
    reader.reset(input);
    const classes = new Set<number>();
    let count = 0;
    while (reader.next()) {
      count += 1;
      must(count <= input.length, 'more operations than bytes');
      classes.add(reader.operationClass);
      if (reader.operationClass === CLASS_WRITE)
        must(reader.bodyStart <= reader.bodyEnd && reader.bodyEnd <= input.length, 'a write outside its message');
      if (reader.operationClass === CLASS_READ || reader.operationClass === CLASS_WATCH)
        checkTexts(reader, input.length);
    }
    must(!reader.next(), 'an operation after the last');
    return `${reader.failed ? 'malformed' : 'ok'} ${[...classes].sort().join('')}`;
  },
};

const ALLOWED = /^\/$|^(?:\/(?!\.{0,2}(?:\/|$))[^/\p{Cc}\u{d800}-\u{f8ff}\u{fff0}-\u{10ffff}]+)+$/u;

const paths: FuzzTarget = {
  name: 'wire-path',
  covers: ['path-scanner', 'paths', 'utf8'].map((file) => `packages/wire/src/${file}.ts`),
  valid: fc
    .oneof(
      path,
      fc.webPath(),
      fc.array(fc.string({ unit: 'binary', maxLength: 6 }), { maxLength: 6 }).map((names) => `/${names.join('/')}`),
    )
    .map(bytesOfText),
  run: (input) => {
    const scanner = new PathScanner(1, PATH_BYTES_MAX);
    const isPath = scanner.scan(input, 0, input.length, false);
    const isText = countCodePoints(input, 0, input.length) >= 0;
    must(isText || !isPath, 'a path that is no UTF-8');
    const text = textOf(input);
    // The rule, written another way.
    const bytes = Buffer.byteLength(text);
    must(
      isValidPath(text) === (ALLOWED.test(text) && bytes <= PATH_BYTES_MAX),
      `the path ${JSON.stringify(text)} is judged two ways`,
    );
    if (!isText) return 'malformed';
    must(isPath === isValidPath(text), 'bytes and text of a path are judged two ways');
    must(readUtf8(input, 0, input.length) === text, 'UTF-8 is read two ways');
    const target = new Uint8Array(utf8Length(text));
    must(
      writeUtf8(text, target, 0) === input.length && isDeepStrictEqual(target, new Uint8Array(input)),
      'UTF-8 is written two ways',
    );
    return isPath ? `path of ${Math.min(3, scanner.count)}` : 'no path';
  },
};

/** What each kind of frame is decoded to, made into a payload again. */
const FRAMES: readonly ((payload: Uint8Array) => Uint8Array | undefined)[] = [
  (payload) => {
    const start = decodeCallStart(payload);
    return start && encodeCallStart(start);
  },
  (payload) => {
    const id = decodeSelect(payload);
    return id === undefined ? undefined : encodeSelect(id);
  },
  (payload) => {
    const close = decodeClose(payload);
    return close && encodeClose(close.id, close.gaveUp);
  },
  (payload) => {
    const end = decodeCallEnd(payload);
    return end && encodeCallEnd(end);
  },
  (payload) => {
    const number = decodePing(payload);
    return number === undefined ? undefined : encodePing(FRAME_PING, number);
  },
];

const anyId = fc.integer({ min: 1, max: 0xffff_ffff });
const call = fc.record({ id: anyId, timeoutMs: fc.option(anyId, { nil: undefined }), path: fc.webPath() });
const refusal = fc.record({ code: fc.string(), message: fc.string(), detail: fc.uint8Array({ maxLength: 40 }) });
const encodedFrame = fc.oneof(
  call.map((start) => [0, encodeCallStart(start)] as const),
  anyId.map((id) => [1, encodeSelect(id)] as const),
  fc.tuple(anyId, fc.boolean()).map(([id, gaveUp]) => [2, encodeClose(id, gaveUp)] as const),
  fc
    .record({ id: anyId, refusal: fc.option(refusal, { nil: undefined }) })
    .map((end) => [3, encodeCallEnd(end)] as const),
  anyId.map((number) => [4, encodePing(FRAME_PING, number)] as const),
);

const callFrames: FuzzTarget = {
  name: 'wire-call-frames',
  covers: ['packages/wire/src/call-frames.ts'],
  // The first byte: which kind of frame.
  valid: encodedFrame.map(([kind, frame]) => new Uint8Array([kind, ...frame.subarray(FRAME_HEAD_BYTES)])),
  run: (input) => {
    const kind = (input[0] ?? 0) % FRAMES.length;
    const again = FRAMES[kind]!(input.subarray(1));
    if (again === undefined) return `${kind} malformed`;
    const payload = again.subarray(FRAME_HEAD_BYTES);
    must(
      isDeepStrictEqual(new Uint8Array(payload), new Uint8Array(input.subarray(1))) || kind === 3,
      'a frame that means something else when it is encoded again',
    );
    return `${kind} ok`;
  },
};

/** The byte layouts of @zkl/wire. */
export const wireTargets: readonly FuzzTarget[] = [commands, results, replies, streamOperations, paths, callFrames];
