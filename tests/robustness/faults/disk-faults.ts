import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DiskTrouble } from '../injection/orders.js';
import { endOfLog, flipBit, tearAt, wipe } from './data-folder.js';
import { pickServer, type Fault, type Scene } from './fault.js';
import { othersHoldAll } from './others-hold.js';
import { until } from './until.js';

const OUTAGE_MS_MAX = 4_000;
/** What a server that met its disk's failure exits with; 4: damage that needs a peer or a person. */
const EXIT_DISK = 3;
const EXIT_DAMAGE = 4;

const fault = (name: string, strike: (scene: Scene) => Promise<string>): Fault => ({
  name,
  kind: 'disk',
  strike,
});

/** The disk is in trouble for a while, and the server goes on. */
async function trouble(scene: Scene, disk: DiskTrouble): Promise<string> {
  const { orders, random, cluster } = scene;
  const id = await pickServer(scene);
  const outageMs = 500 + random.below(OUTAGE_MS_MAX);
  await orders.give(id, { disk });
  await delay(outageMs);
  await orders.give(id, {});
  // One that could not go on has said so, and is started again.
  const ended = await endIfAny(scene, id);
  if (ended !== undefined) await cluster.spawn([id]);
  return `server ${id} for ${outageMs} ms${ended === undefined ? '' : `, which it ended for: ${ended}`}`;
}

/** The disk fails, and the server must end at once with the exit code for that; it is started again on a disk that works. */
async function fatal(scene: Scene, disk: DiskTrouble): Promise<string> {
  const { orders, cluster, random } = scene;
  const id = await pickServer(scene);
  await orders.give(id, { disk: { ...disk, after: random.below(20) } });
  const code = await until(`server ${id} to end for its disk`, 20_000, () => endIfAny(scene, id));
  if (code !== EXIT_DISK) throw new Error(`server ${id} ended with ${code} for a failed disk, not with ${EXIT_DISK}`);
  await orders.give(id, {});
  await cluster.spawn([id]);
  return `server ${id} ended at once`;
}

/** The exit code of a server that has ended by itself. */
async function endIfAny({ cluster }: Scene, id: number): Promise<number | undefined> {
  const end = await cluster.end(id);
  return end === undefined ? undefined : (end.code ?? -1);
}

/** Does something to the files of a server that was killed, and starts it again. One that refuses them says so, and is replaced. */
async function damage(scene: Scene, spoil: (dataFolder: string) => Promise<string>): Promise<string> {
  const { cluster } = scene;
  const id = await pickServer(scene);
  await cluster.kill(id);
  await othersHoldAll(scene, id);
  const { dataFolder } = cluster.member(id);
  const what = await spoil(dataFolder);
  await cluster.spawn([id]);
  return `server ${id}: ${what}${await replaceIfRefused(scene, id)}`;
}

async function replaceIfRefused(scene: Scene, id: number): Promise<string> {
  const { cluster } = scene;
  const refused = await until(`server ${id} to serve, or to refuse its disk`, 30_000, async () => {
    const ended = await endIfAny(scene, id);
    if (ended !== undefined) return ended;
    const member = (await cluster.status()).find((candidate) => candidate.id === id);
    return member?.status?.serving === true ? 0 : undefined;
  });
  if (refused === 0) return '';
  if (refused !== EXIT_DISK && refused !== EXIT_DAMAGE)
    throw new Error(`server ${id} ended with ${refused} for a damaged file`);
  await othersHoldAll(scene, id);
  await wipe(cluster.member(id).dataFolder);
  await cluster.spawn([id]);
  return `: refused with ${refused}, and replaced`;
}

/** A byte of any file, chosen by the file first: the small ones matter as much. */
async function flipAny({ random }: Scene, dataFolder: string): Promise<string> {
  const names = (await readdir(dataFolder)).filter((name) => !name.endsWith('.tmp') && name !== 'lock');
  const name = random.pick(names.sort());
  const path = join(dataFolder, name);
  const { size } = await stat(path);
  const end = name.startsWith('log-')
    ? await endOfLog(dataFolder).catch(() => ({ path: '', offset: size }))
    : { path: '', offset: size };
  const offset = random.below(Math.max(1, end.path === path ? end.offset : size));
  await flipBit({ path, offset });
  return `a bit flipped in ${name} at ${offset}`;
}

/** What disks do. */
export const DISK_FAULTS: readonly Fault[] = [
  fault('slow', async (scene) => {
    const slowMs = 20 + scene.random.below(300);
    return `every write ${slowMs} ms slower, ${await trouble(scene, { slowMs })}`;
  }),
  fault('short-writes', async (scene) => `short writes, ${await trouble(scene, { short: true })}`),
  fault('full', async (scene) => `a full disk, ${await trouble(scene, { full: true })}`),
  fault(
    'no-space',
    async (scene) => `ENOSPC on every write, ${await trouble(scene, { fail: { calls: ['write'], code: 'ENOSPC' } })}`,
  ),
  fault(
    'read-only',
    async (scene) => `EROFS, ${await fatal(scene, { fail: { calls: ['write', 'open', 'rename'], code: 'EROFS' } })}`,
  ),
  fault(
    'write-error',
    async (scene) => `EIO on write, ${await fatal(scene, { fail: { calls: ['write'], code: 'EIO' } })}`,
  ),
  fault(
    'sync-error',
    async (scene) => `EIO on fsync, ${await fatal(scene, { fail: { calls: ['sync'], code: 'EIO' } })}`,
  ),
  fault('flipped-bit', (scene) => damage(scene, (dataFolder) => flipAny(scene, dataFolder))),
  fault('lost-tail', (scene) =>
    damage(scene, async (dataFolder) => {
      const { path, offset } = await endOfLog(dataFolder);
      const bytes = 1 + scene.random.below(2_000);
      await tearAt({ path, offset: Math.max(0, offset - bytes) });
      return `the last ${bytes} bytes lost`;
    }),
  ),
];
