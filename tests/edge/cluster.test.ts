import { ConnectError, createClient, type Client, type Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import {
  ClusterService,
  Consistency,
  ErrorDetailSchema,
  Outcome,
  RegisterService,
  ZnodeService,
  type ErrorDetail,
} from '@zkl/protocol';
import { describe, expect, it } from 'vitest';
import { Cleanup, startCluster, until, type EmbeddedCluster } from './support.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function connect(cleanup: Cleanup, url: string): Transport {
  const sessionManager = new Http2SessionManager(url);
  cleanup.add(() => sessionManager.abort());
  return createGrpcTransport({ baseUrl: url, sessionManager });
}

interface Clients {
  readonly znodes: Client<typeof ZnodeService>;
  readonly register: Client<typeof RegisterService>;
  readonly cluster: Client<typeof ClusterService>;
}

function clientsOf(cleanup: Cleanup, cluster: EmbeddedCluster, id: number): Clients {
  const transport = connect(cleanup, cluster.url(id));
  return {
    znodes: createClient(ZnodeService, transport),
    register: createClient(RegisterService, transport),
    cluster: createClient(ClusterService, transport),
  };
}

async function detailOf(call: Promise<unknown>): Promise<ErrorDetail> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => ConnectError.from(reason),
  );
  const [detail] = error?.findDetails(ErrorDetailSchema) ?? [];
  if (detail === undefined) throw new Error(`no typed detail: ${error?.message ?? 'it did not fail'}`);
  return detail;
}

async function digestsAreEqual(cluster: EmbeddedCluster): Promise<boolean> {
  const statuses = [...cluster.servers.values()].map((server) => server.status());
  const [first] = statuses;
  return statuses.every(
    ({ applied, digest }) =>
      applied.counter === first?.applied.counter && applied.epoch === first.applied.epoch && digest === first.digest,
  );
}

describe('three servers in one process', () => {
  it('takes every request on every server, and reads there what was written there', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const leaderId = (await cluster.leader()).status().serverId;
    for (const id of [1, 2, 3]) {
      const { znodes, register } = clientsOf(cleanup, cluster, id);
      for (let round = 0; round < 20; round += 1) {
        const path = `/from-${id}-${round}`;
        const created = await znodes.create({ path, data: bytes(path) });
        expect(created.header).toMatchObject({ serverId: id, leaderId, epoch: 1 });
        // Local reads need no quorum; the server has applied what it answered for.
        const local = await znodes.get({ path, read: { consistency: Consistency.LOCAL } });
        expect(local.data).toEqual(bytes(path));
        expect(local.header!.zxid).toBeGreaterThanOrEqual(created.header!.zxid);
      }
      await register.write({ value: bytes(`from ${id}`) });
      const guess = await register.guess({ value: bytes(`from ${id}`) });
      expect(guess).toMatchObject({ matched: true, leaderId, version: id });
      const next = clientsOf(cleanup, cluster, (id % 3) + 1);
      // Linearizable is the default: the next server shows it at once.
      expect((await next.register.read({})).value).toEqual(bytes(`from ${id}`));
      expect(
        (
          await next.znodes.get({
            path: `/from-${id}-19`,
            read: { consistency: Consistency.LOCAL, atLeastZxid: guess.header!.zxid },
          })
        ).data,
      ).toEqual(bytes(`/from-${id}-19`));
    }
    await until('equal digests', () => digestsAreEqual(cluster));
  });

  it('can be compared while writes go on', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const all = [1, 2, 3].map((id) => clientsOf(cleanup, cluster, id));
    await Promise.all(
      all.flatMap(({ register }) =>
        Array.from({ length: 100 }, (_, index) => register.write({ value: bytes(`${index}`) })),
      ),
    );
    const statuses = await Promise.all(all.map(({ cluster: service }) => service.status({})));
    const byZxid = new Map<bigint, Set<string>>();
    for (const { digests } of statuses) {
      for (const { zxid, digest } of digests) byZxid.set(zxid, (byZxid.get(zxid) ?? new Set()).add(digest));
    }
    expect([...byZxid.values()].every((digests) => digests.size === 1)).toBe(true);
    const common = [...byZxid.keys()].filter((zxid) =>
      statuses.every(({ digests }) => digests.some((point) => point.zxid === zxid)),
    );
    expect(common.length).toBeGreaterThan(0);
  });

  it('tells of its peers, on the leader how far each is', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const leader = await cluster.leader();
    const { serverId } = leader.status();
    const { register, cluster: service } = clientsOf(cleanup, cluster, serverId);
    const written = await register.write({ value: bytes('x') });
    const status = await until('both peers in step', async () => {
      const answer = await service.status({});
      return answer.peers.every((peer) => peer.durableZxid === written.header!.zxid) && answer;
    });
    expect(status.peers).toHaveLength(2);
    for (const peer of status.peers) expect(peer).toMatchObject({ connected: true, synced: true, lagBytes: 0n });
    expect((await service.listMembers({})).members.map((member) => member.address)).toEqual(
      Object.values(cluster.members),
    );
  });

  it('goes on after its leader is killed, and the killed one catches up', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const old = await cluster.leader();
    const oldId = old.status().serverId;
    const followerId = (oldId % 3) + 1;
    const { register } = clientsOf(cleanup, cluster, followerId);
    await register.write({ value: bytes('before') });
    cluster.servers.delete(oldId);
    await old.stop({ graceful: false });
    // A named write survives the change of leader without the client doing anything.
    const writeId = { clientId: 'c', requestId: 1n };
    const written = await register.write({ value: bytes('after'), writeId });
    expect(written.header!.epoch).toBeGreaterThan(1);
    expect(written.version).toBe(2);
    expect((await register.write({ value: bytes('after'), writeId })).header!.zxid).toBe(written.header!.zxid);
    const restarted = await cluster.start(oldId);
    await restarted.ready;
    await until('equal digests', () => digestsAreEqual(cluster));
    expect(
      (await clientsOf(cleanup, cluster, oldId).register.read({ read: { consistency: Consistency.LOCAL } })).value,
    ).toEqual(bytes('after'));
  });

  it('hands over when its leader is asked to stop: no write fails', async () => {
    await using cleanup = new Cleanup();
    const cluster = await startCluster(cleanup, 3);
    const old = await cluster.leader();
    const oldId = old.status().serverId;
    const { register } = clientsOf(cleanup, cluster, (oldId % 3) + 1);
    let requestId = 0n;
    let stopped = false;
    const writing = (async () => {
      while (!stopped) await register.write({ value: bytes('x'), writeId: { clientId: 'c', requestId: ++requestId } });
    })();
    await until('writes to flow', () => requestId > 10n);
    cluster.servers.delete(oldId);
    await old.stop();
    const before = requestId;
    await until('writes to flow again', () => requestId > before + 10n);
    stopped = true;
    await writing;
    expect((await register.read({})).version).toBe(Number(requestId));
  });
});

describe('one of three servers', () => {
  async function loneServer(cleanup: Cleanup): Promise<Clients & { id: number }> {
    const cluster = await startCluster(cleanup, 3, { timing: { leaderGraceMs: 1_500 } });
    const { register } = clientsOf(cleanup, cluster, 1);
    await register.write({ value: bytes('kept') });
    for (const id of [2, 3]) await cluster.servers.get(id)?.stop({ graceful: false });
    await until('the loss to be noticed', () => !cluster.servers.get(1)!.status().serving);
    return { ...clientsOf(cleanup, cluster, 1), id: 1 };
  }

  it('fails writes and linearizable reads with a typed error before the deadline, and serves local reads', async () => {
    await using cleanup = new Cleanup();
    const { register, znodes, cluster } = await loneServer(cleanup);
    const calls: Record<string, (timeoutMs: number) => Promise<unknown>> = {
      write: (timeoutMs) => register.write({ value: bytes('x') }, { timeoutMs }),
      named: (timeoutMs) =>
        register.write({ value: bytes('x'), writeId: { clientId: 'c', requestId: 1n } }, { timeoutMs }),
      read: (timeoutMs) => register.read({}, { timeoutMs }),
      get: (timeoutMs) => znodes.get({ path: '/' }, { timeoutMs }),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const timeoutMs of [1_000, 60_000]) {
        const startedMs = performance.now();
        const detail = await detailOf(call(timeoutMs));
        const tookMs = performance.now() - startedMs;
        expect(detail, name).toMatchObject({ code: 'NO_QUORUM', outcome: Outcome.REJECTED, retryable: true });
        expect(tookMs, name).toBeLessThan(Math.min(timeoutMs, 5_000));
      }
    }
    const local = await register.read({ read: { consistency: Consistency.LOCAL } });
    expect(local.value).toEqual(bytes('kept'));
    expect(local.header).toMatchObject({ leaderId: 0 });
    expect(await cluster.status({})).toMatchObject({ serving: false, leaderId: 0 });
  });
});
