import { FileLogStore, MemoryDisk } from '@zkl/log-store';

/** The disk of one server, in memory. It outlives the server: what was synced is there at the next start, and nothing else. */
export class TestDisk {
  /** How long each write and each sync takes, in milliseconds. */
  delayMs = 0;
  /** What the next writes and syncs fail with (`EIO`, `ENOSPC`), undefined for none. */
  failure: string | undefined;
  readonly #disk = new MemoryDisk({
    schedule: ({ kind }, run) => {
      if (this.delayMs > 0 && (kind === 'write' || kind === 'sync')) setTimeout(run, this.delayMs);
      else setImmediate(run);
    },
    fault: ({ kind }) => (kind === 'write' || kind === 'sync' ? this.failure : undefined),
  });

  /** The store of a server that starts. */
  open(): FileLogStore {
    return new FileLogStore({
      folder: 'data',
      disk: this.#disk.attach(),
      segmentBytes: 256 * 1024,
      cacheBytes: 1024 * 1024,
    });
  }

  /** The server is gone, and with it what was not synced: all of it, some of it or none, as luck has it. */
  crash(): void {
    this.#disk.crash(Math.random);
  }
}
