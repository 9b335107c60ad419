import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ServerMetrics, type MetricsSource } from './metrics.js';

const zxid = { epoch: 1, counter: 7 };

const source: MetricsSource = {
  serverId: 1,
  clusterId: 'test',
  version: '0',
  requestsInFlight: () => 0,
  requestBytesInFlight: () => 0,
  connections: () => 0,
  coordination: () => ({
    sessions: 0,
    attached: 0,
    streams: 0,
    watches: 0,
    watchesBehind: 0,
    historyChanges: 0,
    watchSnapshotBytes: 0,
    sessionsExpired: 0,
    streamOperations: 0,
    watchEvents: 0,
    watchResets: 0,
    watchesFellBehind: 0,
  }),
  status: () => ({
    role: 'leading',
    serving: true,
    epoch: 1,
    committed: zxid,
    applied: zxid,
    znodes: 1,
    logBytes: 0,
    writesRefused: false,
    peers: [],
  }),
};

describe('the delay of the event loop', () => {
  const metrics = new ServerMetrics(source);
  afterEach(() => metrics.stop());

  async function longest(): Promise<number> {
    const { text } = await metrics.render();
    return Number(/^zkl_event_loop_delay_max_seconds\{.*\} (\S+)$/m.exec(text)?.[1]);
  }

  it('is the longest since it was last asked for, without the time between two looks at it', async () => {
    const deadline = performance.now() + 10_000;
    const blockedSeconds = 0.4;
    let seen = 0;
    // The first look begins with the first turn of the loop: what stood still before it is not seen.
    while (seen < blockedSeconds / 2 && performance.now() < deadline) {
      await delay(1);
      const untilMs = performance.now() + blockedSeconds * 1_000;
      while (performance.now() < untilMs);
      await turn();
      await delay(1);
      seen = await longest();
    }
    expect(seen).toBeGreaterThan(blockedSeconds * 0.9);
    expect(await longest()).toBeLessThan(seen);
  });
});
