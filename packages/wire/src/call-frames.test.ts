import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeCallEnd,
  decodeCallStart,
  decodeClose,
  decodePing,
  decodeSelect,
  encodeCallEnd,
  encodeCallStart,
  encodeClose,
  encodeGoing,
  encodePing,
  encodeSelect,
  FRAME_CALL,
  FRAME_END,
  FRAME_GOING,
  FRAME_HEAD_BYTES,
  FRAME_PING,
} from './call-frames.js';
import { FrameCutter } from './frame-cutter.js';

const id = fc.integer({ min: 1, max: 0xffff_ffff });
const payloadOf = (frame: Uint8Array): Uint8Array => frame.subarray(FRAME_HEAD_BYTES);

describe('the frames of calls', () => {
  it('are decoded to what was encoded', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 50 });
    const refusal = fc.record({ code: text, message: text, detail: fc.uint8Array() });
    fc.assert(
      fc.property(
        id,
        fc.option(id, { nil: undefined }),
        fc.boolean(),
        fc.option(refusal, { nil: undefined }),
        (one, timeoutMs, gaveUp, why) => {
          const start = { id: one, timeoutMs, path: '/zkl.v1.ZnodeService/Get' };
          expect(decodeCallStart(payloadOf(encodeCallStart(start)))).toEqual(start);
          expect(decodeSelect(payloadOf(encodeSelect(one)))).toBe(one);
          expect(decodeClose(payloadOf(encodeClose(one, gaveUp)))).toEqual({ id: one, gaveUp });
          expect(decodeCallEnd(payloadOf(encodeCallEnd({ id: one, refusal: why })))).toEqual({ id: one, refusal: why });
          expect(decodePing(payloadOf(encodePing(FRAME_PING, one)))).toBe(one);
        },
      ),
    );
  });

  it('say their kind and their length', () => {
    const frame = encodeCallStart({ id: 1, timeoutMs: undefined, path: '/a' });
    expect([...frame.subarray(0, FRAME_HEAD_BYTES)]).toEqual([FRAME_CALL, 0, 0, 0, frame.length - FRAME_HEAD_BYTES]);
    expect([...encodeGoing()]).toEqual([FRAME_GOING, 0, 0, 0, 0]);
  });

  it('take a limit that is nearly over for one, and one of months for none', () => {
    const limitOf = (timeoutMs: number): number | undefined =>
      decodeCallStart(payloadOf(encodeCallStart({ id: 1, timeoutMs, path: '/a' })))?.timeoutMs;
    expect([limitOf(-5), limitOf(0), limitOf(0.2), limitOf(299.5), limitOf(2 ** 33)]).toEqual([
      1,
      1,
      1,
      300,
      undefined,
    ]);
  });

  it('are refused when they are cut off, or go on, or name no call', () => {
    const end = payloadOf(encodeCallEnd({ id: 9, refusal: { code: 'c', message: 'm', detail: new Uint8Array([1]) } }));
    for (let length = 0; length < end.length; length += 1)
      expect(decodeCallEnd(end.subarray(0, length))).toBeUndefined();
    expect(decodeCallEnd(new Uint8Array([...end, 0]))).toBeUndefined();
    expect(decodeSelect(payloadOf(encodeSelect(0)))).toBeUndefined();
    expect(decodeClose(new Uint8Array([1, 2]))).toBeUndefined();
    const path = `/${'x'.repeat(256)}`;
    expect(decodeCallStart(payloadOf(encodeCallStart({ id: 1, timeoutMs: undefined, path })))).toBeUndefined();
  });

  it('cut off what is too long of the text of an error', () => {
    const refusal = { code: 'internal', message: 'x'.repeat(9_000), detail: new Uint8Array(0) };
    const end = decodeCallEnd(payloadOf(encodeCallEnd({ id: 1, refusal })));
    expect(end?.refusal?.message).toHaveLength(2_048);
  });
});

describe('the cutter of frames', () => {
  it('finds the same frames wherever the bytes are cut, joined or not', () => {
    const long = encodeCallEnd({ id: 2, refusal: { code: '', message: '', detail: new Uint8Array(300) } });
    const frames = [encodeSelect(1), long, encodeGoing(), long, encodeSelect(3)];
    const bytes = new Uint8Array(frames.flatMap((frame) => [...frame]));
    for (let size = 1; size <= bytes.length; size += 1) {
      const cutter = new FrameCutter(1_000);
      const found: number[][] = [];
      for (let at = 0; at < bytes.length; at += size) {
        cutter.push(bytes.subarray(at, at + size));
        while (cutter.next()) found.push([cutter.kind, cutter.payload.length]);
      }
      expect(found).toEqual(frames.map((frame) => [frame[0], frame.length - FRAME_HEAD_BYTES]));
      expect(cutter.held).toBe(0);
    }
  });

  it('refuses a frame that is too large by its length alone, and all after it', () => {
    const cutter = new FrameCutter(10);
    cutter.push(new Uint8Array([FRAME_END, 0, 0, 0, 11]));
    expect([cutter.next(), cutter.isTooLarge]).toEqual([false, true]);
    cutter.push(encodeSelect(1));
    expect(cutter.next()).toBe(false);
    const huge = new FrameCutter(2 ** 31);
    huge.push(new Uint8Array([FRAME_END, 0xff, 0xff, 0xff, 0xff]));
    expect([huge.next(), huge.isTooLarge]).toEqual([false, true]);
  });

  it('says how much waits for the rest of its frame', () => {
    const cutter = new FrameCutter(1_000);
    cutter.push(new Uint8Array([0, 0, 0, 0, 9, 1, 2]));
    expect([cutter.next(), cutter.held]).toEqual([false, 7]);
    cutter.push(new Uint8Array([3]));
    expect([cutter.next(), cutter.held]).toEqual([false, 8]);
    cutter.push(new Uint8Array([4, 5, 6, 7, 8, 9]));
    expect([cutter.next(), cutter.held, [...cutter.payload]]).toEqual([true, 0, [1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  });
});
