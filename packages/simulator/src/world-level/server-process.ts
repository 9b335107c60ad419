import type { CallDoor, ServerOptions, ZklServer } from '@zkl/server/testing';
import type { CallServer } from './server-connection.js';
import type { VirtualProcess } from './virtual-process.js';
import type { WorldSettings } from './world-settings.js';

/** One run of a server's process: the production server, whole. */
export class ServerProcess implements CallServer {
  readonly process: VirtualProcess;
  readonly bufferedBytesMax: number;
  door: CallDoor | undefined;
  server: ZklServer | undefined;
  readonly number: number;

  constructor(process: VirtualProcess, number: number, bufferedBytesMax: number) {
    this.process = process;
    this.number = number;
    this.bufferedBytesMax = bufferedBytesMax;
  }
}

/** Little data must reach what much data does elsewhere. */
export function beyondBounds(options: ServerOptions, settings: WorldSettings): ServerOptions {
  return {
    ...options,
    limits: {
      ...options.limits,
      blockBytesMax: settings.blockBytesMax,
      snapshotEveryBytes: settings.snapshotEveryBytes,
      // Where they are frequent they take long: the more comes between their pieces.
      snapshotBytesPerSecond: settings.snapshotEveryBytes * 100,
      historyChangesMax: settings.historyChanges,
      historyBytesMax: 1 << 18,
      requestsInFlightMax: settings.requestsInFlightMax,
    },
  };
}
