import { decodeRecord, encodeRecord, recordBytesAt } from '@zkl/log-store';
import type { Random } from '../random.js';
import type { SimulatedServer } from './simulated-server.js';

const SLOT_BYTES = 64;
const SECOND_SLOT_AT = 4_096;

/** Flips bits somewhere in a file of the log, a snapshot or the hard state; where something was written rather than in the zeros after it. */
export function spoilSomeFile(server: SimulatedServer, random: Random): void {
  const { disk } = server;
  if (server.around.settings.plantedBugs.has('store-skips-checksums')) return spoilBeneathChecksum(server, random);
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

/** What a store that does not check would make of rot: another payload, in a record whose checksum is right. */
function spoilBeneathChecksum({ disk }: SimulatedServer, random: Random): void {
  for (const path of random.shuffled(disk.files('log'))) {
    const bytes = disk.device.contents(path);
    const found: number[] = [];
    for (let at = 0; at < bytes.byteLength; at += 4) if (recordBytesAt(bytes, at) !== undefined) found.push(at);
    const at = found.length === 0 ? undefined : random.pick(found);
    const block = at === undefined ? undefined : decodeRecord(bytes, at).block;
    if (at === undefined || block === undefined || block.payload.byteLength === 0) continue;
    const payload = block.payload.slice();
    const last = payload.byteLength - 1;
    payload[last] = payload[last]! ^ (1 << random.below(8));
    bytes.set(encodeRecord({ ...block, payload, record: undefined }), at);
    return disk.device.plant(path, bytes);
  }
}
