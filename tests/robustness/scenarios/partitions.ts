import { setTimeout as delay } from 'node:timers/promises';
import { epochOf } from '../faults/failover.js';
import { leaderOf, minorityWith } from '../faults/fault.js';
import { nowUs } from '../history/history-recorder.js';
import { atMost, describeTimes, onStage, type Scenario, type ScenarioScene } from './scenario.js';

const SERVES_WITHIN_MS = 2_000;
const EPOCHS_MAX = 3;
const LASTS_MS = 4_000;

/** What is cut, around the leader. */
const PARTITIONS: Readonly<Record<string, (scene: ScenarioScene, leader: number) => void>> = {
  'majority and minority': (scene, leader) => {
    const side = minorityWith(scene, leader);
    scene.network.partition(side, rest(scene, side));
  },
  'leader alone': (scene, leader) => scene.network.partition([leader], [...rest(scene, [leader]), 'clients']),
  'one way, in': (scene, leader) => {
    for (const other of rest(scene, [leader])) scene.network.oneWay(other, leader, { blocked: true });
  },
  'one way, out': (scene, leader) => {
    for (const other of rest(scene, [leader])) scene.network.oneWay(leader, other, { blocked: true });
  },
  bridge: (scene, leader) => {
    const others = rest(scene, [leader]);
    const half = Math.ceil(others.length / 2);
    scene.network.partition(others.slice(0, half), others.slice(half));
  },
};

function rest({ network }: ScenarioScene, side: readonly number[]): number[] {
  return network.ids.filter((id) => !side.includes(id));
}

/** The network breaks in every way that leaves a majority. */
export const partitions: Scenario = {
  name: 'partitions',
  bar: `the majority serves within ${SERVES_WITHIN_MS} ms, with at most ${EPOCHS_MAX} epochs a partition`,
  run: (options) =>
    onStage('partitions', options, async (scene) => {
      const lines: string[] = [];
      for (const [name, cut] of Object.entries(PARTITIONS)) {
        const gaps: number[] = [];
        let epochs = 0;
        for (let round = 0; round < (options.times ?? 3); round += 1) {
          const seen = await partitionOnce(scene, cut);
          gaps.push(seen.gapMs);
          epochs = Math.max(epochs, seen.epochs);
        }
        lines.push(`${describeTimes(name, gaps)}; epochs at most ${epochs}`);
        atMost(`${name}: to the next acknowledged write, in ms`, Math.max(...gaps), SERVES_WITHIN_MS);
        atMost(`${name}: epochs`, epochs, EPOCHS_MAX);
      }
      return [...lines, await flapping(scene)];
    }),
};

async function partitionOnce(
  scene: ScenarioScene,
  cut: (scene: ScenarioScene, leader: number) => void,
): Promise<{ readonly gapMs: number; readonly epochs: number }> {
  const { trial, network, cluster, tally } = scene;
  await trial.acknowledgedWrites(50);
  const leader = await leaderOf(scene);
  const epochBefore = epochOf(trial.acknowledged);
  const atUs = nowUs();
  cut(scene, leader);
  await delay(LASTS_MS);
  network.heal({ cut: scene.random.below(2) === 0 });
  await cluster.serving(undefined, { timeoutMs: 30_000 });
  await trial.acknowledgedWrites(20);
  const gapMs = tally.nextAcknowledgementMs(atUs) ?? Number.POSITIVE_INFINITY;
  return { gapMs, epochs: epochOf(trial.acknowledged) - epochBefore };
}

/** A follower that comes and goes: nobody else notices. */
async function flapping({ cluster, network, trial, tally }: ScenarioScene): Promise<string> {
  const { id: leader } = await cluster.leader();
  const id = network.ids.find((other) => other !== leader) ?? 0;
  const epochBefore = epochOf(trial.acknowledged);
  const atUs = nowUs();
  for (let time = 0; time < 10; time += 1) {
    network.partition(
      [id],
      network.ids.filter((other) => other !== id),
    );
    await delay(300);
    network.heal({ cut: time % 2 === 0 });
    await delay(300);
  }
  await cluster.serving(undefined, { timeoutMs: 30_000 });
  await trial.acknowledgedWrites(20);
  const epochs = epochOf(trial.acknowledged) - epochBefore;
  atMost('flapping: epochs', epochs, EPOCHS_MAX);
  return `flapping: longest write gap ${tally.longestGapMs(atUs).toFixed(0)} ms; epochs ${epochs}`;
}
