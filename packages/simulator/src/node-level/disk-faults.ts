import type { Random } from '../random.js';
import type { SimulatedServer } from './simulated-server.js';

const SLOT_BYTES = 64;
const SECOND_SLOT_AT = 4_096;

/** Flips bits somewhere in a file of the log, a snapshot or the hard state; where something was written rather than in the zeros after it. */
export function spoilSomeFile(server: SimulatedServer, random: Random): void {
  const { disk } = server;
  const kinds = random.shuffled(['log', 'log', 'snapshot', 'hard-state'] as const);
  for (const kind of kinds) {
    const files = disk.files(kind);
    if (files.length === 0) continue;
    const path = random.pick(files);
    const used = usedBytes(disk.device.contents(path));
    if (used === 0) continue;
    const count = random.pick([1, 1, 8, 64]);
    const start = random.below(used);
    server.tell(`${count} bytes of ${path} rot, from ${start} on`);
    for (let i = 0; i < count; i++) disk.device.flipBit(path, start + i, random.below(8));
    return;
  }
}

/** Both slots of the hard state become unreadable, or the file is gone: the promises are lost. */
export function spoilHardState(server: SimulatedServer, random: Random): void {
  const { disk } = server;
  const [path] = disk.files('hard-state');
  if (path === undefined) return;
  if (random.chance(0.3)) {
    server.tell('its hard state is gone');
    return disk.device.plant(path, undefined);
  }
  server.tell('both slots of its hard state rot');
  for (const at of [0, SECOND_SLOT_AT]) disk.device.flipBit(path, at + random.below(SLOT_BYTES), random.below(8));
}

function usedBytes(contents: Uint8Array): number {
  return contents.findLastIndex((byte) => byte !== 0) + 1;
}
