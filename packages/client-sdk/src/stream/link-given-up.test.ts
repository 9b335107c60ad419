import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Client } from '../client/client.js';
import { createClientOver } from '../client/create-client-over.js';
import { isZklError, type ZklError } from '../errors/zkl-error.js';
import { StreamServer } from '../testing/stream-server.js';

/** For what is answered, not given up: as long as a slow machine needs. */
const PATIENT = { timeoutMs: 15_000 };

const clients: Client[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

/** A client before a server whose disk is full. */
function startFull() {
  const server = new StreamServer();
  server.fill();
  const client = createClientOver(server.open, { endpoints: ['127.0.0.1:1'], discover: false, ...PATIENT });
  clients.push(client);
  /** The client has been refused, and has come back: what was refused waits for a welcome. */
  const refused = () => vi.waitFor(() => expect(server.waiting.size).toBe(1), { timeout: 10_000, interval: 2 });
  return { server, client, refused };
}

async function failure(promise: Promise<unknown>): Promise<Pick<ZklError, 'code' | 'outcome'>> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!isZklError(error)) throw new Error('Expected a ZklError', { cause: error });
  const { code, outcome } = error;
  return { code, outcome };
}

/** A write that its caller aborts. */
function abortable(client: Client, path: string) {
  const controller = new AbortController();
  const failed = failure(client.delete(path, { signal: controller.signal }));
  return { abort: () => controller.abort(), failed };
}

describe('a write that is given up after every attempt was refused', () => {
  it('was not certainly unapplied, by its deadline, when a later one has a number: it goes out again before that one (world, seed 310007)', async () => {
    const { server, client, refused } = startFull();
    const first = failure(client.delete('/first', { timeoutMs: 300 }));
    const second = client.delete('/second');
    await refused();
    expect(await first).toEqual({ code: 'DISK_FULL', outcome: 'unknown' });
    server.recover();
    await second;
    expect(server.applied).toEqual(['/first', '/second']);
  });

  it('was not certainly unapplied, by its signal, when a later one has a number', async () => {
    const { server, client, refused } = startFull();
    const first = abortable(client, '/first');
    const second = client.delete('/second');
    await refused();
    first.abort();
    expect(await first.failed).toEqual({ code: 'ABORTED', outcome: 'unknown' });
    server.recover();
    await second;
    expect(server.applied).toEqual(['/first', '/second']);
  });

  it('keeps its number and its outcome open when reads stand between it and the later one, which is answered', async () => {
    const { server, client, refused } = startFull();
    const first = abortable(client, '/first');
    const reads = [client.exists('/between'), client.exists('/between')];
    const second = client.delete('/second');
    await refused();
    first.abort();
    expect(await first.failed).toEqual({ code: 'ABORTED', outcome: 'unknown' });
    server.recover();
    await Promise.all([...reads, second]);
    expect(server.applied).toEqual(['/first', '/second']);
  });

  it('was certainly not applied when it stands alone, and is never sent again', async () => {
    const { server, client, refused } = startFull();
    const only = abortable(client, '/only');
    await refused();
    only.abort();
    expect(await only.failed).toEqual({ code: 'ABORTED', outcome: 'rejected' });
    server.recover();
    await client.delete('/later');
    expect(server.applied).toEqual(['/later']);
  });

  it('was certainly not applied when those behind it were never sent, and is never sent again', async () => {
    const { server, client, refused } = startFull();
    const first = abortable(client, '/first');
    await refused();
    const reads = [client.exists('/between')];
    const later = client.delete('/later');
    first.abort();
    expect(await first.failed).toEqual({ code: 'ABORTED', outcome: 'rejected' });
    server.recover();
    await Promise.all([...reads, later]);
    expect(server.applied).toEqual(['/later']);
  });

  it('is never sent again once those behind it that have numbers are given up too, and reads among them are answered', async () => {
    const { server, client, refused } = startFull();
    const [first, read] = [abortable(client, '/first'), client.exists('/between')];
    const second = abortable(client, '/second');
    await refused();
    const later = client.delete('/later');
    first.abort();
    second.abort();
    expect(await first.failed).toEqual({ code: 'ABORTED', outcome: 'unknown' });
    // Its refusal was not awaited: the stream was left with the first one's.
    expect(await second.failed).toEqual({ code: 'ABORTED', outcome: 'unknown' });
    server.recover();
    await Promise.all([read, later]);
    expect(server.applied).toEqual(['/later']);
  });
});
