import {
  createClient,
  jsonCodec,
  textCodec,
  type Client,
  type StandardSchema,
  type WatchEvent,
  type WatchStep,
} from '@zkl/client-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EmbeddedCluster, failure, until } from './support.js';

/** The data that an event carries. */
function textOf(event: WatchEvent): string {
  return new TextDecoder().decode((event.type === 'reset' ? undefined : event.data) ?? new Uint8Array(0));
}

let cluster: EmbeddedCluster;
let client: Client;

beforeAll(async () => {
  cluster = await EmbeddedCluster.start(3);
  client = createClient({ endpoints: cluster.endpoints });
});

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

describe('a watch', () => {
  it('tells each change once, in order, with what was asked for', async () => {
    await client.create('/w', '0');
    const watch = client.watch('/w', { scope: 'subtree', data: true, previousData: true, stat: true });
    const from = await watch.ready();
    expect(from).toBeGreaterThan(0n);
    await client.create('/w/a', 'x');
    const { zxid } = await client.transaction().set('/w/a', 'y').create('/w/b').delete('/w/b').commit();
    await client.delete('/w/a');
    const steps: WatchStep[] = [];
    for await (const step of watch.steps()) {
      if (step.kind === 'events') steps.push(step);
      if (steps.length === 3) break;
    }
    const text = (data: Uint8Array | null | undefined) => data && new TextDecoder().decode(data);
    const events = steps.map((step) =>
      step.kind === 'events' ? step.events.map((e) => [e.type, e.path, text(e.data), text(e.previousData)]) : [],
    );
    expect(events).toEqual([
      [['created', '/w/a', 'x', undefined]],
      [
        ['set', '/w/a', 'y', 'x'],
        ['created', '/w/b', null, undefined],
        ['deleted', '/w/b', undefined, null],
      ],
      [['deleted', '/w/a', undefined, 'y']],
    ]);
    expect(steps[1]?.zxid).toBe(zxid);
    expect(watch.zxid).toBe(steps[2]?.zxid);
  });

  it('goes on from a zxid, also one of long ago and of another client', async () => {
    const { zxid } = await client.create('/from');
    for (let i = 0; i < 10; i += 1) await client.set('/from', String(i));
    await using other = createClient({ endpoints: cluster.endpoints });
    const seen: string[] = [];
    for await (const event of other.watch('/from', { from: zxid, data: true })) {
      if (event.type === 'set') seen.push(new TextDecoder().decode(event.data ?? new Uint8Array(0)));
      if (seen.length === 10) break;
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
  });

  it('has only the types and the scope that were asked for', async () => {
    await client.create('/scope');
    const watch = client.watch('/scope', { scope: 'children', types: ['created'] });
    await watch.ready();
    await client.set('/scope', 'x');
    await client.create('/scope/a');
    await client.create('/scope/a/deep');
    await client.create('/scope/b');
    const paths: string[] = [];
    for await (const event of watch) {
      expect(event.type).toBe('created');
      if (event.type !== 'reset') paths.push(event.path);
      if (paths.length === 2) break;
    }
    expect(paths).toEqual(['/scope/a', '/scope/b']);
  });

  it('comes before the reply that shows it', async () => {
    await client.create('/order', '0');
    const watch = client.watch('/order');
    await watch.ready();
    const log: string[] = [];
    const reading = (async () => {
      let count = 0;
      for await (const event of watch) {
        log.push(`event ${event.zxid}`);
        if ((count += 1) === 20) break;
      }
    })();
    for (let i = 0; i < 20; i += 1) log.push(`reply ${(await client.set('/order', String(i))).zxid}`);
    await reading;
    for (const line of log.filter((each) => each.startsWith('reply'))) {
      expect(log.indexOf(line.replace('reply', 'event'))).toBeLessThan(log.indexOf(line));
    }
  });

  it('bears a consumer that is slow: nothing is lost, and little is kept', async () => {
    await client.create('/slow', '0');
    const watch = client.watch('/slow', { bufferMax: 8, data: true });
    await watch.ready();
    await Promise.all(Array.from({ length: 500 }, (_, i) => client.set('/slow', String(i))));
    const seen: number[] = [];
    for await (const event of watch) {
      if (event.type === 'set') seen.push(Number(new TextDecoder().decode(event.data ?? new Uint8Array(0))));
      if (seen.length === 500) break;
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it('begins with a snapshot on request, and ends when it is aborted', async () => {
    await client.create('/snap');
    await client.create('/snap/a', 'x');
    const controller = new AbortController();
    const watch = client.watch('/snap', { scope: 'subtree', snapshot: true, data: true, signal: controller.signal });
    const reading = (async () => {
      for await (const event of watch) {
        expect(event).toMatchObject({ type: 'reset', reason: 'requested' });
        if (event.type === 'reset') expect(event.nodes.map(({ path }) => path).sort()).toEqual(['/snap', '/snap/a']);
        controller.abort();
      }
    })();
    expect(await failure(reading)).toMatchObject({ code: 'ABORTED' });
    expect(() => client.watch('/snap', { scope: 'all' as never })).toThrow('scope is "all"');
  });
});

describe('a listener of a watch', () => {
  const numberOf = (event: WatchEvent): number => Number(textOf(event));

  /** Watches of one znode that stand, each with a signal of its own. */
  async function watchesOf(path: string, count: number, bufferMax = 10_000) {
    await client.create(path, '0');
    const watches = Array.from({ length: count }, () => {
      const controller = new AbortController();
      return { controller, watch: client.watch(path, { data: true, bufferMax, signal: controller.signal }) };
    });
    await Promise.all(watches.map(({ watch }) => watch.ready()));
    return watches;
  }

  it('is called with what each of many watches of one znode is told, before the reply that shows it', async () => {
    const watches = await watchesOf('/listen', 50);
    const seen = watches.map(() => [] as number[]);
    const ends = watches.map(({ watch }, index) =>
      failure(watch.forEach((event) => void seen[index]?.push(numberOf(event)))),
    );
    for (let i = 1; i <= 30; i += 1) {
      const { zxid } = await client.set('/listen', String(i));
      expect(seen.map((each) => each.at(-1))).toEqual(seen.map(() => i));
      expect(watches.map(({ watch }) => watch.zxid)).toEqual(watches.map(() => zxid));
    }
    expect(seen).toEqual(seen.map(() => Array.from({ length: 30 }, (_, i) => i + 1)));
    for (const { controller } of watches) controller.abort();
    for (const end of ends) expect(await end).toMatchObject({ code: 'ABORTED' });
  });

  it('may be one that is waited for, beside others that are not: none misses anything', async () => {
    const watches = await watchesOf('/listen-slow', 6, 4);
    const seen = watches.map(() => [] as number[]);
    const ends = watches.map(({ watch }, index) =>
      failure(
        watch.forEach((event) => {
          seen[index]?.push(numberOf(event));
          return index % 2 === 0 ? undefined : new Promise<void>((resolve) => setImmediate(resolve));
        }),
      ),
    );
    await Promise.all(Array.from({ length: 200 }, (_, i) => client.set('/listen-slow', String(i))));
    await until(() => seen.every(({ length }) => length === 200));
    expect(seen).toEqual(seen.map(() => Array.from({ length: 200 }, (_, i) => i)));
    for (const { controller } of watches) controller.abort();
    await Promise.all(ends);
  });

  it('may end its watch and others, and begin others, from within', async () => {
    const watches = await watchesOf('/listen-within', 10);
    const seen = watches.map(() => [] as number[]);
    const late: number[] = [];
    const stop = new AbortController();
    let lateStands: Promise<bigint> | undefined;
    const ends = watches.map(({ watch }, index) =>
      failure(
        watch.forEach((event) => {
          seen[index]?.push(numberOf(event));
          if (index !== 4 || numberOf(event) !== 4) return;
          for (const other of [2, 4, 6]) watches[other]?.controller.abort();
          const another = client.watch('/listen-within', { data: true, signal: stop.signal });
          lateStands = another.ready();
          void failure(another.forEach((each) => void late.push(numberOf(each))));
        }),
      ),
    );
    for (const i of [1, 2, 3, 4]) await client.set('/listen-within', String(i));
    for (const other of [2, 4, 6]) expect(await ends[other]).toMatchObject({ code: 'ABORTED' });
    await lateStands;
    for (const i of [5, 6]) await client.set('/listen-within', String(i));
    // Those before it had heard of it already, those after it had not.
    expect(seen).toEqual(
      watches.map((_, index) => ({ 2: [1, 2, 3, 4], 4: [1, 2, 3, 4], 6: [1, 2, 3] })[index] ?? [1, 2, 3, 4, 5, 6]),
    );
    expect(late).toEqual([5, 6]);
    for (const { controller } of watches) controller.abort();
    stop.abort();
    await Promise.all(ends);
  });

  it.each([1, 4])('ends its own watch alone by what it throws, at event %d', async (at) => {
    const path = `/listen-throws-${at}`;
    const watches = await watchesOf(path, 3);
    const seen = watches.map(() => [] as number[]);
    const ends = watches.map(({ watch }, index) =>
      watch
        .forEach((event) => {
          seen[index]?.push(numberOf(event));
          if (index === 1 && numberOf(event) === at) throw new Error('mine');
        })
        .catch((error: unknown) => error),
    );
    for (const i of [1, 2, 3, 4, 5]) await client.set(path, String(i));
    expect(await ends[1]).toMatchObject({ message: 'mine' });
    expect(seen).toEqual([[1, 2, 3, 4, 5], [1, 2, 3, 4, 5].filter((each) => each <= at), [1, 2, 3, 4, 5]]);
    for (const { controller } of watches) controller.abort();
    await Promise.all(ends);
  });

  it('hears of what came before it, of a snapshot, and of all that a transaction changed', async () => {
    await client.create('/listen-early', '0');
    const controller = new AbortController();
    const watch = client.watch('/listen-early', { scope: 'subtree', snapshot: true, signal: controller.signal });
    await watch.ready();
    await client.set('/listen-early', '1');
    const seen: string[] = [];
    const end = failure(watch.forEach((event) => void seen.push(event.type)));
    expect(seen).toEqual([]);
    await client.transaction().set('/listen-early', '2').create('/listen-early/a').delete('/listen-early/a').commit();
    expect(seen).toEqual(['reset', 'set', 'set', 'created', 'deleted']);
    expect(await failure(watch.forEach(() => undefined))).toMatchObject({ code: 'BAD_ARGUMENTS' });
    controller.abort();
    expect(await end).toMatchObject({ code: 'ABORTED' });
  });
});

it('a watch sees each change once and in order across the death of servers and elections', async () => {
  await using own = await EmbeddedCluster.start(3);
  await using writer = createClient({ endpoints: own.endpoints });
  await using watcher = createClient({ endpoints: own.endpoints });
  await writer.create('/n', '0');
  const watch = watcher.watch('/n', { data: true });
  await watch.ready();
  // Others that become one with it on the stream.
  const others = Array.from({ length: 10 }, () => watcher.watch('/n', { data: true }));
  await Promise.all(others.map((other) => other.ready()));
  const heard = others.map(() => [] as number[]);
  for (const [index, other] of others.entries()) {
    void failure(other.forEach((event) => void heard[index]?.push(Number(textOf(event)))));
  }
  const total = 300;
  const writing = (async () => {
    for (let i = 1; i <= total; i += 1) {
      await writer.set('/n', String(i), { timeoutMs: 20_000 });
      if (i % 100 === 0) {
        const leader = await own.untilLeader();
        await own.kill(leader);
        await own.startServer(leader);
      }
    }
  })();
  const seen: number[] = [];
  for await (const event of watch) {
    expect(event.type).toBe('set');
    if (event.type === 'set') seen.push(Number(new TextDecoder().decode(event.data ?? new Uint8Array(0))));
    if (seen.length === total) break;
  }
  await writing;
  expect(seen).toEqual(Array.from({ length: total }, (_, i) => i + 1));
  expect(heard).toEqual(heard.map(() => seen));
});

describe('a mirror', () => {
  it('is the state at its zxid, and all of a transaction or nothing of it', async () => {
    await client.create('/m', '0');
    await client.create('/m/a', '0');
    await using mirror = await client.mirror('/m');
    expect(mirror.size).toBe(2);
    let torn = 0;
    mirror.onChange(() => {
      if (mirror.get('/m')?.text() !== mirror.get('/m/a')?.text()) torn += 1;
    });
    for (let i = 1; i <= 20; i += 1) {
      const { zxid } = await client.transaction().set('/m', String(i)).set('/m/a', String(i)).commit();
      await mirror.reached(zxid);
      expect(mirror.get('/m/a')?.text()).toBe(String(i));
      expect(mirror.zxid).toBeGreaterThanOrEqual(zxid);
    }
    expect(torn).toBe(0);
    await client.create('/m/b');
    const { zxid } = await client.delete('/m/a');
    await mirror.reached(zxid);
    expect(mirror.children('/m')).toEqual(['b']);
  });
});

describe('a typed node', () => {
  it('reads, writes and watches values', async () => {
    const node = client.node('/typed', jsonCodec<{ n: number }>());
    await node.create({ n: 1 });
    expect((await node.get()).value).toEqual({ n: 1 });
    await node.set({ n: 2 }, { version: 0 });
    const values: (number | undefined)[] = [];
    const watching = (async () => {
      for await (const { value } of node.watch()) {
        values.push(value?.n);
        if (value?.n === 3) break;
      }
    })();
    await until(() => values.length === 1);
    await node.update(({ n }) => ({ n: n + 1 }));
    await watching;
    expect(values).toEqual([2, 3]);
  });

  it('loses no update, however many make them', async () => {
    const node = client.node('/count', textCodec);
    const add = () => node.update((value) => String(Number(value ?? '0') + 1), { create: true });
    await Promise.all(Array.from({ length: 20 }, add));
    expect((await node.get()).value).toBe('20');
  });

  it('refuses what its schema refuses', async () => {
    const schema: StandardSchema<{ port: number }> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => {
          const isPort = typeof (value as { port?: unknown } | null)?.port === 'number';
          return isPort ? { value: value as { port: number } } : { issues: [{ message: 'port is no number' }] };
        },
      },
    };
    const node = client.node('/schema', schema);
    await node.create({ port: 1 });
    expect(await failure(node.set({ port: 'x' } as never))).toMatchObject({ code: 'INVALID_VALUE', path: '/schema' });
    await client.set('/schema', '{}');
    expect((await failure(node.get())).message).toContain('port is no number');
  });
});
