import { connect as connectTcp } from 'node:net';
import { SessionService } from '@zkl/protocol';
import {
  CALL_GREETING,
  CALL_MAGIC,
  encodeCallStart,
  encodeClose,
  encodePing,
  encodeSelect,
  FRAME_END,
  FRAME_PING,
  FrameCutter,
} from '@zkl/wire';
import fc from 'fast-check';
import { must, type FuzzTarget } from '../engine/target.js';
import {
  ANSWER_MS,
  attachMessages,
  binary,
  closeDoor,
  envelope,
  methodAt,
  pathOf,
  STREAM_MS,
  theDoor,
} from './doors.js';

const callOf = (id: number, input: Uint8Array): Uint8Array[] => [
  encodeCallStart({ id, timeoutMs: 300, path: pathOf(methodAt(input[0] ?? 0)) }),
  envelope(input.subarray(1)),
];

/** What a client of ours says on a direct connection, once it has greeted. */
const directTalk = fc
  .array(
    fc.oneof(
      binary.map((input) => callOf(1, input)),
      binary.map((input) => [...callOf(2, input), encodeClose(2, true)]),
      fc.constant([encodePing(FRAME_PING, 7)]),
      fc.constant([encodeSelect(1), envelope(new Uint8Array([1]))]),
      attachMessages.map((messages) => [
        encodeCallStart({ id: 3, timeoutMs: undefined, path: pathOf(SessionService.method.attach) }),
        messages,
        encodeClose(3, false),
      ]),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) => new Uint8Array(Buffer.concat(list.flat())));

/** A direct connection: how the first call on it ended, or that the server hung up. */
const direct: FuzzTarget = {
  name: 'door-direct',
  covers: ['packages/server/src/direct/direct-connection.ts'],
  valid: directTalk,
  ...{ inputBytesMax: 16_384, runs: 50, timeMsMax: ANSWER_MS, sharesProcess: true, close: closeDoor },
  run: async (input) => {
    const at = await theDoor();
    const outcome = await new Promise<string>((resolve) => {
      const socket = connectTcp(at.port, '127.0.0.1', () => socket.write(Buffer.concat([CALL_MAGIC, input])));
      const cutter = new FrameCutter(16 * 1024 * 1024);
      const heard: number[] = [];
      let greeting = CALL_GREETING.byteLength;
      let timer = setTimeout(() => socket.destroy(), ANSWER_MS);
      socket.on('data', (chunk: Buffer) => {
        if (greeting > 0) {
          clearTimeout(timer);
          timer = setTimeout(() => socket.destroy(), STREAM_MS);
        }
        cutter.push(chunk.subarray(Math.min(greeting, chunk.byteLength)));
        greeting -= Math.min(greeting, chunk.byteLength);
        while (cutter.next()) heard.push(cutter.kind);
        if (heard.includes(FRAME_END)) socket.destroy();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(timer);
        must(greeting === 0 && !cutter.isTooLarge, 'no greeting, or what is no frame');
        resolve(heard.map((kind) => kind.toString(16)).join(' ') || 'nothing');
      });
    });
    at.check();
    return outcome;
  },
};

/** The server's door for clients that speak frames. */
export const directDoorTargets: readonly FuzzTarget[] = [direct];
