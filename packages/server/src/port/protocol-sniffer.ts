import type { Socket } from 'node:net';
import { CALL_MAGIC } from '@zkl/wire';

/**
 * The first bytes of a connection between servers. The first is no letter, so no HTTP; it is not 0x00, which begins a ZooKeeper
 * frame, nor 0x16, which begins TLS.
 */
export const PEER_MAGIC: Buffer = Buffer.from([0x89, 0x5a, 0x4b, 0x4c, 0x50, 0x45, 0x45, 0x52]); // 0x89 "ZKLPEER"

/** What a connection speaks, by its first bytes. */
export type SniffedProtocol = 'http1' | 'http2' | 'peer' | 'direct';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

const SIGNATURES: readonly { readonly protocol: SniffedProtocol; readonly bytes: Buffer }[] = [
  { protocol: 'peer', bytes: PEER_MAGIC },
  { protocol: 'direct', bytes: Buffer.from(CALL_MAGIC) },
  { protocol: 'http2', bytes: Buffer.from('PRI ') },
  ...METHODS.map((method) => ({ protocol: 'http1' as const, bytes: Buffer.from(`${method} `) })),
];

/** `more`: what there is may still become any of several. `unknown`: it can become none. */
export function classifyFirstBytes(head: Uint8Array): SniffedProtocol | 'more' | 'unknown' {
  let possible = false;
  for (const { protocol, bytes } of SIGNATURES) {
    const length = Math.min(head.byteLength, bytes.byteLength);
    if (bytes.compare(head, 0, length, 0, length) !== 0) continue;
    if (length === bytes.byteLength) return protocol;
    possible = true;
  }
  return possible ? 'more' : 'unknown';
}

/** What a sniffer found; `head` is what was read so far, and is no longer in the socket. */
export type SniffResult =
  | { readonly kind: SniffedProtocol; readonly head: Buffer }
  | { readonly kind: 'unknown' | 'timeout' | 'closed'; readonly head?: undefined };

/**
 * Reads the first bytes of a fresh socket, however small the pieces they come in, and calls `done` once. The socket is left paused, without the
 * sniffer's listeners. At most one piece beyond the longest signature is held.
 */
export function sniffProtocol(socket: Socket, timeoutMs: number, done: (result: SniffResult) => void): void {
  let head: Buffer | undefined;
  const finish = (result: SniffResult): void => {
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('end', onClosed);
    socket.off('close', onClosed);
    socket.pause();
    done(result);
  };
  const onClosed = (): void => finish({ kind: 'closed' });
  const onData = (piece: Buffer): void => {
    head = head === undefined ? piece : Buffer.concat([head, piece]);
    const kind = classifyFirstBytes(head);
    if (kind === 'more') return;
    finish(kind === 'unknown' ? { kind } : { kind, head });
  };
  const timer = setTimeout(() => finish({ kind: 'timeout' }), timeoutMs);
  socket.on('data', onData);
  socket.on('end', onClosed);
  socket.on('close', onClosed);
}
