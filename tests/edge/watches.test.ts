import { ConnectError, createClient, type Client, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import {
  ChangeType,
  ResetReason,
  WatchScope,
  WatchService,
  ZnodeService,
  type WatchBatch,
  type WatchRequest,
} from '@zkl/protocol';
import { describe, expect, it } from 'vitest';
import { connectTo, detailOf } from './clients.js';
import { Cleanup, startCluster, startServer, until } from './support.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A watch that keeps what comes. */
class TestWatch {
  readonly batches: WatchBatch[] = [];
  startZxid: bigint | undefined;
  error: ConnectError | undefined;
  closed = false;
  paused = false;
  #resume: () => void = () => undefined;
  readonly #abort = new AbortController();

  constructor(transport: Transport, request: Partial<WatchRequest>) {
    void this.#run(createClient(WatchService, transport), request);
  }

  static async start(cleanup: Cleanup, transport: Transport, request: Partial<WatchRequest>): Promise<TestWatch> {
    const watch = new TestWatch(transport, request);
    cleanup.add(() => watch.stop());
    await until('the watch to stand', () => watch.startZxid !== undefined || watch.closed);
    return watch;
  }

  get events(): { zxid: bigint; type: ChangeType; path: string }[] {
    return this.batches.flatMap(({ zxid, events }) => events.map(({ type, path }) => ({ zxid, type, path })));
  }

  stop(): void {
    this.resume();
    this.#abort.abort();
  }

  resume(): void {
    this.paused = false;
    this.#resume();
  }

  async #run(client: Client<typeof WatchService>, request: Partial<WatchRequest>): Promise<void> {
    try {
      const { signal } = this.#abort;
      for await (const { header, batch } of client.watch(request as WatchRequest, { signal })) {
        this.startZxid ??= header?.zxid;
        if (batch !== undefined) this.batches.push(batch);
        if (this.paused) {
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
        }
      }
    } catch (error) {
      this.error = ConnectError.from(error);
    }
    this.closed = true;
  }
}

const SUBTREE = { path: '/', scope: WatchScope.SUBTREE };

describe('watches of a server', () => {
  it('tell of what changes, from the zxid that the first response names', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const transport = connectTo(cleanup, baseUrl);
    const znodes = createClient(ZnodeService, transport);
    const before = await znodes.create({ path: '/a', data: bytes('old') });
    const watch = await TestWatch.start(cleanup, transport, {
      path: '/a',
      scope: WatchScope.CHILDREN,
      withData: true,
      withStat: true,
    });
    expect(watch.startZxid).toBe(before.header!.zxid);
    await znodes.create({ path: '/a/b', data: bytes('new') });
    await znodes.set({ path: '/a', data: bytes('not told') });
    await znodes.delete({ path: '/a/b' });
    await znodes.delete({ path: '/a' });
    await until('the events', () => watch.events.length === 3);
    expect(watch.events.map(({ type, path }) => `${type} ${path}`)).toEqual(['1 /a/b', '3 /a/b', '3 /a']);
    expect(watch.batches[0]!.events[0]).toMatchObject({ data: bytes('new'), stat: { dataLength: 3 } });
  });

  it('filter by type', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const transport = connectTo(cleanup, baseUrl);
    const znodes = createClient(ZnodeService, transport);
    const watch = await TestWatch.start(cleanup, transport, { ...SUBTREE, types: [ChangeType.DELETED] });
    await znodes.create({ path: '/a' });
    await znodes.set({ path: '/a' });
    await znodes.delete({ path: '/a' });
    await until('the event', () => watch.events.length === 1);
    expect(watch.events[0]).toMatchObject({ type: ChangeType.DELETED, path: '/a' });
  });

  it('stream over HTTP/1.1 as well, as browsers have it', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup);
    const transport = createConnectTransport({ baseUrl, httpVersion: '1.1' });
    const watch = await TestWatch.start(cleanup, transport, SUBTREE);
    await createClient(ZnodeService, transport).create({ path: '/a' });
    await until('the event', () => watch.events.length === 1);
  });

  it('refuse what is no watch, and more than there may be', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup, { limits: { watchesMax: 1 } });
    const transport = connectTo(cleanup, baseUrl);
    const codeOf = async (request: Partial<WatchRequest>): Promise<string> => {
      const watch = new TestWatch(transport, request);
      await until('its end', () => watch.closed);
      return (await detailOf(Promise.reject(watch.error!))).code;
    };
    expect(await codeOf({ path: '/' })).toBe('BAD_ARGUMENTS');
    expect(await codeOf({ path: 'a', scope: WatchScope.NODE })).toBe('BAD_ARGUMENTS');
    expect(await codeOf({ ...SUBTREE, progressIntervalMs: 1 })).toBe('BAD_ARGUMENTS');
    await TestWatch.start(cleanup, transport, SUBTREE);
    expect(await codeOf(SUBTREE)).toBe('TOO_MANY_WATCHES');
  });

  it('end with the server, and leave nothing behind when their clients go', async () => {
    await using cleanup = new Cleanup();
    const { server, baseUrl } = await startServer(cleanup);
    const transport = connectTo(cleanup, baseUrl);
    const first = await TestWatch.start(cleanup, transport, SUBTREE);
    const second = await TestWatch.start(cleanup, transport, SUBTREE);
    expect(server.status().watches).toBe(2);
    first.stop();
    await until('the first to go', () => server.status().watches === 1);
    await server.stop();
    await until('the second to end', () => second.closed);
    expect((await detailOf(Promise.reject(second.error!))).code).toBe('SHUTTING_DOWN');
  });

  it('say with a reset and a snapshot that the history is gone, and go on from there', async () => {
    await using cleanup = new Cleanup();
    const { baseUrl } = await startServer(cleanup, { limits: { historyChangesMax: 100 } });
    const transport = connectTo(cleanup, baseUrl);
    const znodes = createClient(ZnodeService, transport);
    let last = 0n;
    for (let i = 0; i < 150; i += 1)
      last = (await znodes.create({ path: `/n${i}`, data: bytes(String(i)) })).header!.zxid;
    const within = await TestWatch.start(cleanup, transport, { ...SUBTREE, fromZxid: last - 50n });
    const beyond = await TestWatch.start(cleanup, transport, { ...SUBTREE, fromZxid: 0n, withData: true });
    await until('what was missed', () => within.events.length === 50);
    await until('a snapshot', () => beyond.batches.at(-1)?.snapshot?.last === true);
    const next = await znodes.create({ path: '/next' });
    await until('the next', () => within.events.length === 51 && beyond.events.length === 1);
    expect(within.batches.every(({ snapshot }) => snapshot === undefined)).toBe(true);
    const [reset] = beyond.batches;
    expect(reset).toMatchObject({
      zxid: last,
      snapshot: { reason: ResetReason.HISTORY_GONE, first: true, last: true },
    });
    expect(reset!.snapshot!.nodes).toHaveLength(151);
    expect(beyond.events).toEqual([{ zxid: next.header!.zxid, type: ChangeType.CREATED, path: '/next' }]);
  });

  it('that are not read cost a bounded amount, disturb nobody, and end in a reset', async () => {
    await using cleanup = new Cleanup();
    const { server, baseUrl } = await startServer(cleanup, { limits: { historyChangesMax: 1_000 } });
    const quickTransport = connectTo(cleanup, baseUrl);
    const znodes = createClient(ZnodeService, quickTransport);
    await znodes.create({ path: '/big' });
    const quick = await TestWatch.start(cleanup, quickTransport, { ...SUBTREE, withData: true });
    const slow: TestWatch[] = [];
    for (let i = 0; i < 20; i += 1) {
      const watch = await TestWatch.start(cleanup, connectTo(cleanup, baseUrl), { ...SUBTREE, withData: true });
      watch.paused = true;
      slow.push(watch);
    }
    const value = new Uint8Array(20_000);
    const writes = 3_000;
    const memoryBefore = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < writes; i += 50) {
      await Promise.all(Array.from({ length: 50 }, () => znodes.set({ path: '/big', data: value })));
      await until('the quick one to be told all', () => quick.batches.length === 50);
      // Nobody keeps them here either.
      quick.batches.length = 0;
    }
    // 60 MB for each of twenty, if it were kept for them.
    expect(process.memoryUsage().arrayBuffers - memoryBefore).toBeLessThan(400_000_000);
    const metrics = await (await fetch(`${baseUrl}/metrics`)).text();
    expect(/^zkl_watches_behind\{[^}]*\} 20$/m.test(metrics)).toBe(true);
    for (const watch of slow) watch.resume();
    const done = await znodes.create({ path: '/done' });
    await until(
      'the slow ones to know how it stands',
      () =>
        slow.every(
          ({ events, batches }) =>
            events.some(({ path }) => path === '/done') ||
            batches.some(({ snapshot }) => snapshot?.nodes.some(({ path }) => path === '/done')),
        ),
      20_000,
    );
    for (const { batches } of slow) {
      // In order, whatever came: events, a reset with its reason, and events after it.
      const zxids = batches.map(({ zxid }) => zxid);
      expect(zxids).toEqual([...zxids].sort((a, b) => Number(a - b)));
      expect(batches.find(({ snapshot }) => snapshot !== undefined)?.snapshot?.reason).toBe(ResetReason.TOO_SLOW);
      expect(zxids.at(-1)).toBe(done.header!.zxid);
    }
    expect(server.status().watches).toBe(21);
  });
});

describe('watches of a cluster', () => {
  it('that are cut off and go on elsewhere during elections tell of each change exactly once, in order', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3, { timing: { leaderGraceMs: 20_000 } });
    const transports = new Map([1, 2, 3].map((id) => [id, connectTo(cleanup, cluster.url(id))]));
    const down = new Set<number>();
    const up = (): number[] => [1, 2, 3].filter((id) => !down.has(id));
    await createClient(ZnodeService, transports.get(1)!).create({ path: '/log' });

    // Writers with write ids, so that each create is applied once whatever happens; what they were told of is kept.
    const acknowledged: string[] = [];
    let stop = false;
    let written = false;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let requestId = 1; !stop; requestId += 1) {
        const writeId = {
          clientId: `w${writer}`,
          requestId: BigInt(requestId),
          answeredThrough: BigInt(requestId - 1),
        };
        for (let answered = false; !answered;) {
          const id = up()[requestId % up().length]!;
          const znodes = createClient(ZnodeService, transports.get(id)!);
          const write = { path: `/log/w${writer}-${requestId}-`, sequential: true, writeId };
          const reply = await znodes.create(write, { timeoutMs: 2_000 }).catch(() => undefined);
          answered = reply !== undefined;
          if (reply !== undefined) acknowledged.push(reply.path);
        }
      }
    });

    // One watcher that is killed again and again, and goes on at another server from the last zxid that it saw.
    const told: { zxid: bigint; path: string }[] = [];
    let resumes = 0;
    const watcher = (async () => {
      let from = 0n;
      while (!written || told.length < acknowledged.length) {
        resumes += 1;
        const id = up()[resumes % up().length]!;
        const request = { path: '/log', scope: WatchScope.SUBTREE, types: [ChangeType.CREATED], fromZxid: from };
        const watch = new TestWatch(transports.get(id)!, { ...request, progressIntervalMs: 100 });
        const endMs = performance.now() + 50 + Math.random() * 200;
        let taken = 0;
        while (performance.now() < endMs && !watch.closed) await new Promise((resolve) => setTimeout(resolve, 5));
        for (; taken < watch.batches.length; taken += 1) {
          const { zxid, events, snapshot } = watch.batches[taken]!;
          expect(snapshot).toBeUndefined();
          for (const { path } of events) if (path !== '/log') told.push({ zxid, path });
          expect(zxid).toBeGreaterThanOrEqual(from);
          from = zxid;
        }
        watch.stop();
      }
    })();

    for (let round = 0; round < 5; round += 1) {
      const leader = await cluster.leader();
      const leaderId = leader.status().serverId;
      down.add(leaderId);
      cluster.servers.delete(leaderId);
      await leader.stop({ graceful: false });
      await cluster.leader();
      const before = acknowledged.length;
      await until('writes under the next leader', () => acknowledged.length > before + 20, 20_000);
      await cluster.start(leaderId);
      await until(
        'all to serve',
        () => [...cluster.servers.values()].every((server) => server.status().serving),
        20_000,
      );
      down.delete(leaderId);
    }
    await until('the watcher to have gone on elsewhere often', () => resumes > 10, 20_000);
    stop = true;
    await Promise.all(writers);
    written = true;
    await watcher;

    const zxids = told.map(({ zxid }) => zxid);
    expect(zxids).toEqual([...new Set(zxids)].sort((a, b) => (a < b ? -1 : 1)));
    expect(told.map(({ path }) => path).sort()).toEqual([...acknowledged].sort());
  });

  it('that were told everything are reset when their server takes a snapshot from the leader', async () => {
    await using cleanup = new Cleanup();
    const limits = { snapshotEveryBytes: 64 * 1024, logSegmentBytes: 64 * 1024, logRetainedBytes: 0 };
    const cluster = await startCluster(cleanup, 3, { limits });
    const leaderId = (await cluster.leader()).status().serverId;
    const laggard = [1, 2, 3].find((id) => id !== leaderId)!;
    const znodes = createClient(ZnodeService, connectTo(cleanup, cluster.url(leaderId)));
    const { header } = await znodes.create({ path: '/first' });
    await cluster.servers.get(laggard)!.stop({ graceful: false });
    const value = new Uint8Array(10_000);
    let last = 0n;
    for (let i = 0; i < 300; i += 1) last = (await znodes.create({ path: `/n${i}`, data: value })).header!.zxid;
    await cluster.start(laggard);
    const transport = connectTo(cleanup, cluster.url(laggard));
    // It asks for what this server never had as changes.
    const watch = await TestWatch.start(cleanup, transport, { ...SUBTREE, fromZxid: header!.zxid });
    const nodes = (): string[] =>
      watch.batches.flatMap(({ snapshot }) => snapshot?.nodes.map(({ path }) => path) ?? []);
    await until('the whole state', () => watch.batches.some(({ zxid }) => zxid >= last), 20_000);
    const seen = new Set([...nodes(), ...watch.events.map(({ path }) => path)]);
    for (let i = 0; i < 300; i += 1) expect(seen.has(`/n${i}`)).toBe(true);
  });
});
