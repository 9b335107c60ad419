import { setTimeout as delay } from 'node:timers/promises';
import type { Place } from '../network/network.js';
import { anotherThan, leaderOf, minorityWith, pickServer, type Fault, type Scene } from './fault.js';

const OUTAGE_MS_MIN = 500;
const OUTAGE_MS_MAX = 5_000;

async function lastThenHeal(scene: Scene): Promise<string> {
  const { random, network } = scene;
  const outageMs = OUTAGE_MS_MIN + random.below(OUTAGE_MS_MAX - OUTAGE_MS_MIN);
  const cut = random.below(2) === 0;
  await delay(outageMs);
  network.heal({ cut });
  return `for ${outageMs} ms, then ${cut ? 'connections cut' : 'what was held came'}`;
}

function restOf({ network }: Scene, side: readonly Place[]): number[] {
  return network.ids.filter((id) => !side.includes(id));
}

const fault = (name: string, strike: (scene: Scene) => Promise<string>): Fault => ({
  name,
  kind: 'network',
  strike,
});

/** What networks do. Clients stay with the majority, unless it says otherwise. */
export const NETWORK_FAULTS: readonly Fault[] = [
  fault('partition', async (scene) => {
    const side = minorityWith(scene, await pickServer(scene));
    scene.network.partition(side, restOf(scene, side));
    return `servers ${side.join(', ')} cut off from the others, not from clients, ${await lastThenHeal(scene)}`;
  }),
  fault('leader-alone', async (scene) => {
    const id = await leaderOf(scene);
    scene.network.partition([id], [...restOf(scene, [id]), 'clients']);
    return `the leader, server ${id}, cut off from everybody, ${await lastThenHeal(scene)}`;
  }),
  fault('one-way-in', async (scene) => {
    const id = await pickServer(scene);
    for (const other of restOf(scene, [id])) scene.network.oneWay(other, id, { blocked: true });
    return `server ${id} hears no other server, ${await lastThenHeal(scene)}`;
  }),
  fault('one-way-out', async (scene) => {
    const id = await pickServer(scene);
    for (const other of restOf(scene, [id])) scene.network.oneWay(id, other, { blocked: true });
    return `no other server hears server ${id}, ${await lastThenHeal(scene)}`;
  }),
  fault('one-path', async (scene) => {
    const id = await pickServer(scene);
    const other = anotherThan(scene, id);
    scene.network.oneWay(id, other, { blocked: true });
    return `server ${other} does not hear server ${id}, ${await lastThenHeal(scene)}`;
  }),
  fault('bridge', async (scene) => {
    const { network, random } = scene;
    const bridge = await pickServer(scene);
    const others = restOf(scene, [bridge]);
    while (others.length > 0 && random.below(2) === 0) others.push(others.shift() as number);
    const half = Math.ceil(others.length / 2);
    network.partition(others.slice(0, half), others.slice(half));
    return `two sides that only server ${bridge} connects, ${await lastThenHeal(scene)}`;
  }),
  fault('flapping', async (scene) => {
    const { network, random } = scene;
    const id = await pickServer(scene);
    const times = 3 + random.below(6);
    for (let time = 0; time < times; time += 1) {
      network.partition([id], restOf(scene, [id]));
      await delay(100 + random.below(600));
      network.heal({ cut: random.below(2) === 0 });
      await delay(100 + random.below(600));
    }
    return `server ${id} cut off and joined ${times} times`;
  }),
  fault('delay', async (scene) => {
    const delayMs = 20 + scene.random.below(80);
    scene.network.everywhere({ delayMs, jitterMs: delayMs / 2 });
    return `${delayMs} to ${delayMs * 1.5} ms more between all servers, ${await lastThenHeal(scene)}`;
  }),
  fault('loss', async (scene) => {
    const loss = 0.01 + scene.random.next() * 0.09;
    scene.network.everywhere({ loss }, scene.network.places);
    return `${(loss * 100).toFixed(0)} % of all packets lost, ${await lastThenHeal(scene)}`;
  }),
  fault('cut-connections', async (scene) => {
    const { network, random } = scene;
    const times = 1 + random.below(10);
    let count = 0;
    for (let time = 0; time < times; time += 1) {
      count += network.cut(random.pick(network.ids), random.pick(network.places));
      await delay(random.below(200));
    }
    return `${count} connections cut`;
  }),
  fault('clients-cut-off', async (scene) => {
    const id = await pickServer(scene);
    scene.network.partition(['clients'], [id]);
    return `clients do not reach server ${id}, ${await lastThenHeal(scene)}`;
  }),
];
