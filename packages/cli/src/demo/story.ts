import { type Client, createClient, isZklError } from '@zkl/client-sdk';
import { describeCatchUp, restartAndCatchUp } from '../cluster/catch-up.js';
import { killLeader } from '../cluster/failover.js';
import { compareDigests } from '../cluster/member-status.js';
import type { ProcessCluster } from '../cluster/process-cluster.js';
import { waitUntil } from '../cluster/wait-until.js';
import { describeEvent } from '../commands/cluster-fault-commands.js';
import { rowOf } from '../commands/cluster-commands.js';
import { formatCluster } from '../output/cluster-table.js';
import type { Style } from '../output/style.js';
import { epochOf, formatZxid } from '../output/zxid.js';
import type { Narrator } from './narrator.js';
import { audit, WriteLoad } from './write-load.js';

/** What each part of the story works with. */
export interface Scene {
  readonly cluster: ProcessCluster;
  readonly client: Client;
  readonly narrator: Narrator;
  readonly style: Style;
  readonly signal: AbortSignal;
}

/** Writes before the kill, and after it. */
const LOAD_BEFORE = 300;
const LOAD_AFTER = 300;

export async function showElection({ cluster, narrator, style }: Scene): Promise<void> {
  narrator.step('The election', 'Nobody was told who leads: the servers have voted, and a majority agrees.');
  const members = await cluster.status();
  narrator.show(formatCluster(members.map(rowOf), style));
  const leading = members.filter(({ status }) => status?.role === 'leading');
  narrator.check(
    'exactly one server leads, and all five serve',
    leading.length === 1 && members.every(({ status }) => status?.serving),
  );
  const epochs = new Set(members.map(({ status }) => status?.epoch));
  narrator.check('all five are in the same epoch', epochs.size === 1, [...epochs].join(', '));
}

/** @returns The zxid of the write. */
export async function writeGuessRead({ client, cluster, narrator }: Scene): Promise<bigint> {
  narrator.step(
    'Write, guess, read',
    'A write is answered once a majority has it on disk. A guess is ordered like a write. A read sees it.',
  );
  const written = await client.register.write('42');
  narrator.show(`write 42: version ${written.version}, zxid ${formatZxid(written.zxid)}, leader ${written.leaderId}`);
  const miss = await client.register.guess('41');
  narrator.check('guess 41 is a miss', !miss.matched);
  const hit = await client.register.guess('42');
  narrator.check('guess 42 is a hit', hit.matched && hit.version === written.version);
  narrator.check(
    'write and guesses have zxids in the order in which they were made',
    written.zxid < miss.zxid && miss.zxid < hit.zxid,
  );
  const read = await client.register.read();
  narrator.check(
    'read shows 42, one hit and two guesses',
    read.text() === '42' && read.guesses === 2n && read.hits === 1n,
    read.text(),
  );
  for (const { id, address } of cluster.members) {
    await using pinned = createClient({ endpoints: [address], server: id });
    const local = await pinned.register.read({ consistency: 'local', atLeast: written.zxid });
    if (local.text() !== '42' || local.serverId !== id)
      narrator.check(`server ${id} itself holds 42`, false, local.text());
  }
  narrator.check('each of the five holds it: asked one by one, without the others', true);
  return written.zxid;
}

export async function useTree({ client, narrator }: Scene): Promise<void> {
  narrator.step('The tree', 'Beside the one value there is a tree of znodes, for configuration, names, locks.');
  await client.create('/demo');
  const created = await client.create('/demo/config', 'a=1');
  narrator.check('create /demo/config: version 0', created.stat.version === 0);
  const set = await client.set('/demo/config', 'a=2', { version: 0 });
  narrator.check('set it if its version is 0: now version 1', set.stat.version === 1);
  const late = await client.set('/demo/config', 'a=3', { version: 0 }).catch((error: unknown) => error);
  narrator.check(
    'somebody who still believes in version 0 is refused (BAD_VERSION), and nothing is overwritten',
    isZklError(late, 'BAD_VERSION'),
  );
  const got = await client.get('/demo/config');
  narrator.check(
    'get shows a=2, written at the zxid that set told',
    got.text() === 'a=2' && got.stat.mzxid === set.zxid,
  );
  const tasks = await Promise.all(
    [1, 2, 3].map((task) => client.create('/demo/task-', `task ${task}`, { sequential: true })),
  );
  narrator.check(
    'three sequential znodes get three different names',
    new Set(tasks.map(({ path }) => path)).size === 3,
  );
  await client.delete('/demo/config');
  narrator.check('after delete it is gone', (await client.exists('/demo/config')) === undefined);
}

/** @returns The server that was killed. */
export async function killUnderLoad(scene: Scene): Promise<number> {
  const { cluster, client, narrator, style, signal } = scene;
  narrator.step(
    'kill -9 of the leader',
    `Sixteen writers are at work. In the middle of that the leader's process is killed.`,
  );
  await client.create('/demo/load');
  const load = new WriteLoad(client, '/demo/load/n-');
  await load.more(LOAD_BEFORE, signal);
  const failover = await killLeader(cluster, {
    signal,
    onEvent: (event) =>
      narrator.show(`${style.quiet(`${event.atMs.toFixed(0).padStart(5)} ms`)}  ${describeEvent(event, style)}`),
  });
  await load.more(LOAD_AFTER, signal);
  const acknowledged = await load.finish();
  narrator.check(
    `another server leads, in a later epoch (${failover.epoch})`,
    failover.elected !== failover.killed && failover.epoch > 1,
  );
  narrator.show(`longest pause that the writers saw: ${load.longestGapMs().toFixed(0)} ms; no write failed`);
  const { lost, doubled, found } = await audit(client, '/demo/load', acknowledged);
  narrator.check(
    `none of ${acknowledged.length} acknowledged writes is lost`,
    lost.length === 0,
    lost.map(({ payload }) => payload).join('; '),
  );
  narrator.check(
    'none was applied twice, though clients have repeated what was under way',
    doubled.length === 0 && found === acknowledged.length,
    found,
  );
  return failover.killed;
}

export async function checkValue({ client, narrator }: Scene, writtenAt: bigint): Promise<void> {
  narrator.step('The value', 'It was written under the dead leader.');
  const read = await client.register.read();
  narrator.check(
    'read still shows 42, written at the same zxid as before',
    read.text() === '42' && read.mzxid === writtenAt,
    read.text(),
  );
  const written = await client.register.write('43');
  narrator.check(
    'a new write gets a zxid of the new epoch, behind all earlier ones',
    epochOf(written.zxid) > epochOf(writtenAt),
  );
}

export async function bringBack({ cluster, narrator, signal }: Scene, killed: number): Promise<void> {
  narrator.step(
    'The dead one returns',
    'It starts on the data that it has, joins the leader that it finds, and gets what it missed.',
  );
  const back = await restartAndCatchUp(cluster, killed, { signal, timeoutMs: 30_000 });
  const missed = describeCatchUp(back);
  if (missed !== undefined) narrator.show(missed);
  narrator.show(
    `${back.caughtUpMs.toFixed(0)} ms after its start it has applied ${formatZxid(back.status.appliedZxid)}`,
  );
  narrator.check(
    `server ${killed} follows, and has all that was committed`,
    back.status.role === 'following' && back.target !== undefined && back.status.appliedZxid >= back.target,
  );
}

export async function compareStates({ cluster, client, narrator, style, signal }: Scene): Promise<void> {
  narrator.step(
    'Five equal copies',
    'Each server tells a digest of its whole state. At the same zxid they must be the same.',
  );
  const { zxid: last } = await client.register.write('44');
  const look = async () => {
    const members = await cluster.status();
    const statuses = members.flatMap(({ status }) => status ?? []);
    const comparison = statuses.length === members.length ? compareDigests(statuses) : undefined;
    return comparison && comparison.zxid >= last ? { members, comparison } : undefined;
  };
  const { members, comparison } = await waitUntil(look, {
    what: 'digests of all five at one zxid',
    timeoutMs: 10_000,
    signal,
  });
  narrator.show(formatCluster(members.map(rowOf), style));
  const { equal, digests, zxid } = comparison;
  narrator.check(
    `five digests at zxid ${formatZxid(zxid)}, all equal`,
    equal && digests.size === members.length,
    [...digests.values()].join(', '),
  );
}
