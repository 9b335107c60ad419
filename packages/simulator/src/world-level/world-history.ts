import type { WatchStep } from '@zkl/client-sdk';
import type { HistoryRecord } from '../history/record.js';
import type { Chronicle } from './chronicle.js';
import { textOf } from './chronicle.js';
import type { WatchRecord } from './world-checker.js';

/** What the clients of a world saw, as records of a history. */
export class WorldHistory {
  readonly #records: HistoryRecord[] = [];
  /** Writes that are under way: those of a client that dies stay so. */
  readonly #open = new Set<object>();

  /** A call is made. The answer is given to the returned function; a read without one is left out. */
  begin(asked: object, isWrite: boolean): (answer: object) => void {
    if (isWrite) this.#open.add(asked);
    return (answer) => {
      this.#open.delete(asked);
      this.#records.push({ ...asked, ...answer } as HistoryRecord);
    };
  }

  onStep(watch: WatchRecord, step: WatchStep, at: number): void {
    const own = { kind: 'watch', client: watch.client.name, watch: watch.name, at } as const;
    const zxid = Number(step.zxid);
    if (step.kind === 'progress') this.#records.push({ ...own, event: 'progress', zxid });
    else if (step.kind === 'reset') {
      const nodes = step.reset.nodes.map(({ path, stat, data }) => ({
        path,
        version: stat.version,
        ...(data === undefined ? {} : { value: textOf(data) }),
      }));
      this.#records.push({ ...own, event: 'reset', zxid, nodes });
    } else {
      const events = step.events.map(({ type, path, stat, data, previousData }) => ({
        type,
        path,
        ...(stat === undefined ? {} : { version: stat.version }),
        ...(data === undefined ? {} : { value: textOf(data) }),
        ...(previousData === undefined ? {} : { previous: textOf(previousData) }),
      }));
      this.#records.push({ ...own, event: 'batch', zxid, events });
    }
  }

  onWatch(watch: WatchRecord, since: number, at: number): void {
    const { client, name, path, scope, types } = watch;
    const filter = types.length === 0 ? {} : { types };
    this.#records.push({
      kind: 'watch',
      event: 'opened',
      client: client.name,
      watch: name,
      path,
      scope,
      since,
      at,
      ...filter,
    });
  }

  /** All of it, with what the world knows of the ends of sessions. */
  records(chronicle: Chronicle): readonly HistoryRecord[] {
    const ends = [...chronicle.sessions.values()].flatMap(({ id, endedAt }): HistoryRecord[] => {
      if (endedAt === undefined) return [];
      return [{ kind: 'session', client: 'world', session: id, at: 0, event: 'ended', zxid: endedAt }];
    });
    return [...this.#records, ...([...this.#open] as HistoryRecord[]), ...ends];
  }
}
