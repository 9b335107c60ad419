import { expect, it } from 'vitest';
import { minimise } from './minimise.js';
import { drawNodeSettings } from './node-settings.js';
import { runNodeSeed } from './run-node-seed.js';

const plantedBugs = new Set(['edge-reads-without-barrier']);

it('makes the settings of a failing seed milder, and the same property still fails', { timeout: 120_000 }, async () => {
  const seed = await firstFailing();
  const before = await runNodeSeed(seed, { plantedBugs });
  const told: string[] = [];
  const override = await minimise(seed, { plantedBugs }, (line) => told.push(line));
  expect(told[0]).toContain('fails: ');
  expect(told.length).toBeGreaterThan(3);
  const after = await runNodeSeed(seed, { plantedBugs, override });
  expect(after.failure?.message.split(':')[0]).toBe(before.failure?.message.split(':')[0]);
  // Shorter, and with fewer kinds of faults.
  expect(after.events).toBeLessThan(before.events);
  const kinds = ({ faults }: { readonly faults: object }): number =>
    Object.values(faults).filter((weight: number) => weight > 0).length;
  const drawn = drawNodeSettings(seed, { plantedBugs });
  expect(kinds({ ...drawn, ...override })).toBeLessThan(kinds(drawn));
});

it('says that a seed that holds does not fail', async () => {
  expect(await minimise(3, { override: { safetyTicks: 20, servers: 1 } }, () => undefined)).toBeUndefined();
});

async function firstFailing(): Promise<number> {
  for (let seed = 1; seed < 30; seed++) {
    const { failure, settings } = await runNodeSeed(seed, { plantedBugs });
    const kinds = Object.values(settings.faults).filter((weight: number) => weight > 0);
    if (failure !== undefined && kinds.length > 2) return seed;
  }
  throw new Error('no seed notices it');
}
