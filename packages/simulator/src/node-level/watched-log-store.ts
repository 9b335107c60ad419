import type { LogRead, LogStore, LogWrite, RecoveredLog, SnapshotReader, Zxid } from '@zkl/consensus';

export interface LogStoreEvents {
  onOpened(recovered: RecoveredLog): void;
  onWrite(write: LogWrite): void;
  onWritten(write: LogWrite): void;
  onInstalling(zxid: Zxid): void;
  onInstalled(zxid: Zxid): void;
  onSnapshotSaved(zxid: Zxid): void;
}

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Passes everything on to the store, and tells what was asked of it and what it said. */
export class WatchedLogStore implements LogStore {
  readonly #store: LogStore;
  readonly #events: LogStoreEvents;
  readonly #plantedBugs: ReadonlySet<string>;
  #previous: Promise<void> = Promise.resolve();

  constructor(store: LogStore, events: LogStoreEvents, plantedBugs: ReadonlySet<string>) {
    this.#store = store;
    this.#events = events;
    this.#plantedBugs = plantedBugs;
  }

  async open(): Promise<RecoveredLog> {
    const recovered = await this.#store.open();
    const isForgetful = this.#plantedBugs.has('store-takes-damage-for-torn-tail');
    const told = isForgetful ? { ...recovered, damage: undefined } : recovered;
    this.#events.onOpened(told);
    return told;
  }

  async write(write: LogWrite): Promise<void> {
    this.#events.onWrite(write);
    if (this.#plantedBugs.has('store-acknowledges-before-sync')) {
      this.#previous = this.#previous.then(() => this.#store.write(write)).catch(() => undefined);
    } else if (this.#plantedBugs.has('store-drops-hard-state')) {
      await this.#store.write({ ...write, hardState: undefined });
    } else await this.#store.write(write);
    this.#events.onWritten(write);
  }

  read(after: Zxid, maxBytes: number): Promise<LogRead> {
    return this.#store.read(after, maxBytes);
  }

  async saveSnapshot(zxid: Zxid, chunks: Chunks): Promise<void> {
    await this.#store.saveSnapshot(zxid, chunks);
    this.#events.onSnapshotSaved(zxid);
  }

  openSnapshot(): Promise<SnapshotReader | undefined> {
    return this.#store.openSnapshot();
  }

  async installSnapshot(zxid: Zxid, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#events.onInstalling(zxid);
    await this.#store.installSnapshot(zxid, chunks);
    this.#events.onInstalled(zxid);
  }

  get bytesSinceSnapshot(): number {
    return this.#store.bytesSinceSnapshot;
  }

  get sizeBytes(): number {
    return this.#store.sizeBytes;
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
