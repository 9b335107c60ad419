import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { closeAtEnd } from './close-at-end.js';

/** One end of a connection that is no net.Socket. */
class End extends Duplex {
  other: End | undefined;

  override _read(): void {
    // What comes is pushed when it comes.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const bytes = Buffer.from(chunk);
    setImmediate(() => {
      if (this.other?.destroyed === false) this.other.push(bytes);
      done();
    });
  }

  override _final(done: () => void): void {
    setImmediate(done);
  }
}

function pair(): [End, End] {
  const [one, other] = [new End({ allowHalfOpen: false }), new End({ allowHalfOpen: false })];
  one.other = other;
  other.other = one;
  return [one, other];
}

it('lets an HTTP/2 session write while its connection ends', async () => {
  const [near, far] = pair();
  const server = createServer();
  server.on('stream', (answer) => {
    answer.on('error', () => undefined);
    answer.respond();
  });
  server.on('sessionError', () => undefined);
  server.emit('connection', far);
  const session = connect('http://x', { createConnection: () => closeAtEnd(near) });
  session.on('error', () => undefined);
  const stream = session.request({ ':method': 'POST' }, { endStream: false });
  stream.on('error', () => undefined);
  await once(stream, 'response');
  const closed = once(session, 'close');
  // Whoever hears of the end after the session writes in the same turn: without closeAtEnd the process dies here.
  near.once('end', () => stream.write('more'));
  near.push(null);
  await closed;
  expect(near.destroyed).toBe(true);
  expect(stream.destroyed).toBe(true);
  far.destroy();
});

it('gives all the bytes before it closes', async () => {
  const [near] = pair();
  const pieces: string[] = [];
  closeAtEnd(near).on('data', (piece: Buffer) => pieces.push(String(piece)));
  near.push('a');
  near.push('b');
  near.push(null);
  await once(near, 'close');
  expect(pieces.join('')).toBe('ab');
});

it('leaves a net.Socket as it is', () => {
  const socket = new Socket();
  closeAtEnd(socket);
  expect(Object.hasOwn(socket, 'emit')).toBe(false);
  socket.destroy();
});
