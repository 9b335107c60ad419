import { connect, type Socket } from 'node:net';
import type { ServerId } from '@zkl/consensus';
import { HANDSHAKE_FRAME_BYTES_MAX } from './frame.js';
import { FrameSocket } from './frame-socket.js';
import type { Purpose } from './handshake-codec.js';
import { dialHandshake, type LocalIdentity, type RemoteIdentity } from './handshake.js';
import { PeerError, peerErrorOf } from './peer-error.js';
import type { ResolvedPeerLimits } from './peer-limits.js';

/** Where a server is reached. The name is resolved anew at each connect: identity is the id, never the address. */
export interface PeerAddress {
  readonly host: string;
  readonly port: number;
  /** Makes a connection to it that is not by TCP: in tests that need no ports. It emits `connect` or `error`, as a socket of node:net does. */
  readonly connect?: (() => Socket) | undefined;
}

/** A connection whose handshake is done. It is not being read yet. */
export interface Dialled {
  readonly frames: FrameSocket;
  readonly remote: RemoteIdentity;
}

/** Connects to a peer and shakes hands. Rejects with a `PeerError`; an abort of `signal` ends it at once, and nothing stays open. */
export async function dialPeer(
  peer: ServerId,
  address: PeerAddress,
  purpose: Purpose,
  local: LocalIdentity,
  limits: ResolvedPeerLimits,
  signal: AbortSignal,
): Promise<Dialled> {
  const socket = await connectTo(peer, address, limits.connectTimeoutMs, signal);
  const frames = new FrameSocket(socket, {
    frameBytesMax: HANDSHAKE_FRAME_BYTES_MAX,
    bufferedBytesMax: limits.bufferedBytesMax,
  });
  const onAbort = (): void => frames.close(new PeerError('LINK_CLOSED', 'given up'));
  signal.addEventListener('abort', onAbort);
  const timer = setTimeout(() => {
    frames.close(
      new PeerError(
        'HANDSHAKE_TIMEOUT',
        `server ${peer} at ${frames.remote} did not complete the handshake in ${limits.handshakeTimeoutMs} ms`,
      ),
    );
  }, limits.handshakeTimeoutMs);
  try {
    const remote = await dialHandshake(frames, local, peer, purpose);
    frames.frameBytesMax = limits.frameBytesMax;
    return { frames, remote };
  } catch (error) {
    const peerError = peerErrorOf(error, 'MALFORMED_FRAME');
    frames.close(peerError);
    throw peerError;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function connectTo(peer: ServerId, address: PeerAddress, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const where = `server ${peer} at ${address.host}:${address.port}`;
    const socket = address.connect?.() ?? connect({ host: address.host, port: address.port, noDelay: true });
    const fail = (detail: string, cause?: unknown): void => {
      finish();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(new PeerError('CONNECT_FAILED', `cannot reach ${where}: ${detail}`, { cause }));
    };
    const onConnect = (): void => {
      finish();
      resolve(socket);
    };
    const onError = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.message, error);
    const onAbort = (): void => fail('given up');
    const timer = setTimeout(() => fail(`no answer in ${timeoutMs} ms`), timeoutMs);
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect);
      socket.off('error', onError);
    };
    socket.on('connect', onConnect);
    socket.on('error', onError);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}
