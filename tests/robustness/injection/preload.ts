/**
 * Loaded into a server process by `NODE_OPTIONS=--import`, before anything of zkl: stands between it and the system's disk and clocks, and does
 * what the orders in a file say. The server's program is the one that is released; it knows nothing of this.
 */
import fs from 'node:fs';
import { FaultyClock } from './faulty-clock.js';
import { FaultyDisk } from './faulty-disk.js';
import { obeyedFileOf, ordersFileOf, type Orders } from './orders.js';

/** How soon an order is read, at most. */
const LOOK_EVERY_MS = 20;

const at = process.argv.indexOf('--data-folder');
const dataFolder = at < 0 ? undefined : process.argv[at + 1];

if (dataFolder !== undefined) {
  const { readFileSync, writeFileSync } = fs;
  const { setInterval } = globalThis;
  const disk = new FaultyDisk(dataFolder);
  const clock = new FaultyClock();
  let version = -1;
  const look = (): void => {
    const orders = read();
    if (orders === undefined || orders.version === version) return;
    version = orders.version;
    disk.trouble = orders.disk ?? {};
    clock.set(orders.clock ?? {});
    writeFileSync(obeyedFileOf(dataFolder), String(version));
  };
  const read = (): Orders | undefined => {
    try {
      return JSON.parse(readFileSync(ordersFileOf(dataFolder), 'utf8')) as Orders;
    } catch {
      // None yet, or half of one.
      return undefined;
    }
  };
  disk.install();
  clock.install();
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
}
