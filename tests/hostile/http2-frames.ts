/** HTTP/2 by hand: what no well-meaning library would send. */
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const END_HEADERS = 4;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const OPENING: Buffer = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]);

function literal(name: string | number, value: string): Buffer {
  const text = (words: string): Buffer => Buffer.concat([Buffer.from([words.length]), Buffer.from(words)]);
  // Names of the static table up to 14 take one byte, content-type (31) two.
  const head =
    typeof name === 'string'
      ? Buffer.concat([Buffer.from([0]), text(name)])
      : Buffer.from(name < 15 ? [name] : [15, name - 15]);
  return Buffer.concat([head, text(value)]);
}

/** A gRPC request's header block. */
export function grpcHeaders(path: string): Buffer {
  const post = Buffer.from([0x83, 0x86]);
  return Buffer.concat([
    post,
    literal(4, path),
    literal(1, 'localhost'),
    literal(31, 'application/grpc'),
    literal('te', 'trailers'),
  ]);
}

/** A header block that is small and becomes large: one entry of the dynamic table, again and again. */
export function headerBomb(times: number): Buffer {
  const value = Buffer.alloc(120, 0x61);
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x78, value.length]), value]);
  return Buffer.concat([grpcHeaders('/zkl.v1.RegisterService/Read'), entry, Buffer.alloc(times, 0x80 | 62)]);
}

/** A gRPC message. */
export function message(payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}
