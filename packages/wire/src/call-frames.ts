import { ByteWriter } from './byte-writer.js';
import { Cursor } from './cursor.js';
import { countCodePoints, readUtf8 } from './utf8.js';

/**
 * Calls as plain frames on a TCP connection, which is the short way of zkl's own clients: see docs/direct-connections.md. A frame is one byte
 * that says its kind, its length as a big-endian uint32, and so many bytes: as a message of gRPC has it, so a message goes by either way unchanged. Other
 * numbers are varints, and texts are UTF-8 with their length before them.
 */

/** What a client begins with. The first byte is no letter, so no HTTP; and not that of TLS, nor of ZooKeeper. */
export const CALL_MAGIC: Uint8Array = new Uint8Array([0x89, 0x5a, 0x4b, 0x4c, 0x43, 0x41, 0x4c, 0x4c]); // 0x89 "ZKLCALL"
/** What a server answers with. Something else, so that nobody who sends back what it gets is taken for one. */
export const CALL_GREETING: Uint8Array = new Uint8Array([0x89, 0x5a, 0x4b, 0x4c, 0x48, 0x45, 0x52, 0x45]); // 0x89 "ZKLHERE"

/** A message of the call that was named last by its side. */
export const FRAME_MESSAGE = 0x00;
/** Client: begins a call, and names it. */
export const FRAME_CALL = 0x10;
/** Names the call that messages are of from here on. */
export const FRAME_SELECT = 0x11;
/** Client: says no more on a call, or gives it up. */
export const FRAME_CLOSE = 0x12;
/** Server: a call is over. */
export const FRAME_END = 0x13;
/** Asks for a sign of life, which is the same number back. */
export const FRAME_PING = 0x14;
export const FRAME_PONG = 0x15;
/** Server: takes no new calls on this connection. */
export const FRAME_GOING = 0x16;

/** The kind and the length. */
export const FRAME_HEAD_BYTES = 5;

const PATH_BYTES_MAX = 256;
/** A longer text of an error is cut off. */
const MESSAGE_CHARS_MAX = 2_048;
const UINT32_MAX = 0xffff_ffff;

/** What begins a call. */
export interface CallStart {
  /** 1 to 2^32 - 1, and of no other call that is under way on the connection. */
  readonly id: number;
  /** How long the answer is waited for; undefined for no limit. Above 49 days it is none. */
  readonly timeoutMs: number | undefined;
  /** `/zkl.v1.ZnodeService/Create` */
  readonly path: string;
}

/** How a call ended: well, or refused. */
export interface CallEnd {
  readonly id: number;
  readonly refusal: CallRefusal | undefined;
}

/** Why a call was refused. */
export interface CallRefusal {
  /** Connect's name of the code: `not_found`, `unavailable`. */
  readonly code: string;
  readonly message: string;
  /** A zkl.v1.ErrorDetail; empty for none. */
  readonly detail: Uint8Array;
}

/** A frame of this kind around what the writer is told. */
function frame(kind: number, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(64);
  writer.u8(kind);
  writer.u32(0);
  write(writer);
  const bytes = writer.bytes.subarray(0, writer.length);
  writeFrameHead(bytes, kind, bytes.length - FRAME_HEAD_BYTES);
  return bytes;
}

/** Writes the head of a frame to the front of `bytes`. */
export function writeFrameHead(bytes: Uint8Array, kind: number, length: number): void {
  bytes[0] = kind;
  bytes[1] = length >>> 24;
  bytes[2] = length >>> 16;
  bytes[3] = length >>> 8;
  bytes[4] = length;
}

export function encodeCallStart({ id, timeoutMs, path }: CallStart): Uint8Array {
  const whole = Math.ceil(timeoutMs ?? 0);
  return frame(FRAME_CALL, (writer) => {
    writer.varint(id);
    // A limit that is over, or nearly, is one all the same: 0 is none.
    writer.varint(timeoutMs === undefined || whole > UINT32_MAX ? 0 : Math.max(1, whole));
    writer.text(path);
  });
}

/** Undefined when it is none. */
export function decodeCallStart(payload: Uint8Array): CallStart | undefined {
  const cursor = cursorOf(payload);
  const id = cursor.uint32();
  const timeoutMs = cursor.uint32();
  const path = textOf(cursor, PATH_BYTES_MAX);
  if (!cursor.done || id === 0) return undefined;
  return { id, timeoutMs: timeoutMs === 0 ? undefined : timeoutMs, path };
}

export function encodeSelect(id: number): Uint8Array {
  return frame(FRAME_SELECT, (writer) => writer.varint(id));
}

/** The call's number; undefined when it is none. */
export function decodeSelect(payload: Uint8Array): number | undefined {
  const cursor = cursorOf(payload);
  const id = cursor.uint32();
  return cursor.done && id !== 0 ? id : undefined;
}

/** `gaveUp`: nobody waits for an answer; else the client has only said all it had to say. */
export function encodeClose(id: number, gaveUp: boolean): Uint8Array {
  return frame(FRAME_CLOSE, (writer) => {
    writer.varint(id);
    writer.u8(gaveUp ? 1 : 0);
  });
}

/** Undefined when it is none. */
export function decodeClose(payload: Uint8Array): { readonly id: number; readonly gaveUp: boolean } | undefined {
  const cursor = cursorOf(payload);
  const id = cursor.uint32();
  const gaveUp = cursor.flag();
  return cursor.done && id !== 0 ? { id, gaveUp } : undefined;
}

export function encodeCallEnd({ id, refusal }: CallEnd): Uint8Array {
  return frame(FRAME_END, (writer) => {
    writer.varint(id);
    writer.u8(refusal === undefined ? 0 : 1);
    if (refusal === undefined) return;
    writer.text(refusal.code);
    writer.text(refusal.message.slice(0, MESSAGE_CHARS_MAX));
    writer.varint(refusal.detail.length);
    writer.raw(refusal.detail);
  });
}

/** Undefined when it is none. */
export function decodeCallEnd(payload: Uint8Array): CallEnd | undefined {
  const cursor = cursorOf(payload);
  const id = cursor.uint32();
  if (!cursor.flag()) return cursor.done && id !== 0 ? { id, refusal: undefined } : undefined;
  const code = textOf(cursor, payload.length);
  const message = textOf(cursor, payload.length);
  const length = cursor.count(1);
  const start = cursor.skip(length);
  if (!cursor.done || id === 0) return undefined;
  return { id, refusal: { code, message, detail: payload.subarray(start, start + length) } };
}

/** `number`: any uint32. */
export function encodePing(kind: typeof FRAME_PING | typeof FRAME_PONG, number: number): Uint8Array {
  return frame(kind, (writer) => writer.varint(number));
}

/** The number of a ping or a pong; undefined when it is none. */
export function decodePing(payload: Uint8Array): number | undefined {
  const cursor = cursorOf(payload);
  const number = cursor.uint32();
  return cursor.done ? number : undefined;
}

/** Says that no new calls are taken on this connection. */
export function encodeGoing(): Uint8Array {
  return frame(FRAME_GOING, () => undefined);
}

function cursorOf(payload: Uint8Array): Cursor {
  const cursor = new Cursor();
  cursor.reset(payload, 0, payload.length);
  return cursor;
}

function textOf(cursor: Cursor, bytesMax: number): string {
  const length = cursor.count(1);
  const start = cursor.skip(length);
  if (cursor.failed || length > bytesMax || countCodePoints(cursor.bytes, start, start + length) < 0) {
    cursor.fail();
    return '';
  }
  return readUtf8(cursor.bytes, start, start + length);
}
