import { createClient } from '@zkl/client-sdk';
import { Counter } from '@zkl/client-sdk/recipes/counter';
import { onStage, type Scenario, type ScenarioScene } from './scenario.js';

/** Each of its own client: on one counter one of many that add at once succeeds at a time. */
const COUNTERS = 16;
const KILL_EVERY = 2_000;
const FOLDER = '/counted';

/** Whole numbers, raised by compare-and-set, while leaders are killed. */
export const increments: Scenario = {
  name: 'increments',
  bar: 'counters = acknowledgements',
  run: (options) =>
    onStage('increments', options, (scene) => countThrough(scene, options.times ?? 100_000), {
      parts: [],
      watchersMax: 0,
      pinnedTo: [],
    }),
};

async function countThrough(scene: ScenarioScene, wanted: number): Promise<string[]> {
  const { network } = scene;
  const clients = Array.from({ length: COUNTERS }, () =>
    createClient({ endpoints: network.endpoints, connect: network.dial, timeoutMs: 30_000 }),
  );
  // Beside the folder that the history tells of: nobody records these.
  await clients[0]?.create(FOLDER);
  const counters = clients.map((client, index) => new Counter(client, `${FOLDER}/count-${index}`));
  const acknowledged = counters.map(() => 0);
  let left = wanted;
  let isOver = false;
  const counting = Promise.all(
    counters.map(async (counter, index) => {
      while (left > 0) {
        left -= 1;
        await counter.add(1);
        acknowledged[index] = (acknowledged[index] ?? 0) + 1;
      }
    }),
  ).finally(() => {
    isOver = true;
  });
  const kills = killThrough(
    scene,
    () => isOver,
    () => wanted - left,
  );
  await counting;
  const lines = [`leaders killed: ${await kills}`];
  const values = await Promise.all(counters.map((counter) => counter.get()));
  await Promise.all(clients.map((client) => client.close()));
  for (const [index, value] of values.entries()) {
    if (Number(value) !== acknowledged[index])
      throw new Error(`counter ${index} is ${value} after ${acknowledged[index]} acknowledgements`);
  }
  return [
    ...lines,
    `increments acknowledged: ${acknowledged.reduce((sum, count) => sum + count, 0)}, counters together: ${values.reduce((sum, value) => sum + value, 0n)}`,
  ];
}

async function killThrough({ cluster }: ScenarioScene, isOver: () => boolean, done: () => number): Promise<number> {
  let kills = 0;
  for (let next = Math.min(KILL_EVERY, done() + 100); !isOver();) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (done() < next) continue;
    next = done() + KILL_EVERY;
    const { id } = await cluster.leader();
    await cluster.kill(id);
    await cluster.restart(id);
    kills += 1;
  }
  return kills;
}
