import { setTimeout as delay } from 'node:timers/promises';
import { Latencies } from '../latencies.js';
import { callOf, type Call, type SdkClients } from './clients.js';
import { summaryOf, tell, type Given } from './protocol.js';

/** The part of a run that counts. */
interface Span {
  readonly beginMs: number;
  readonly endMs: number;
}

interface Seen {
  readonly latencies: Latencies;
  errors: number;
}

/**
 * Keeps so many calls under way (rate 0), or begins so many a second whether earlier ones were answered or not; what it tells is of the time after
 * the warm-up. In an open loop durations count from when a call was due.
 */
export async function runLoad(given: Given, clients: SdkClients): Promise<void> {
  const keys = await clients.prepareKeys(given.number('keys', 1_000));
  const call = callOf(given.text('op', 'set'), clients.value);
  const warmupMs = given.number('warmup-ms', 2_000);
  const beginMs = performance.now() + warmupMs;
  const span = { beginMs, endMs: beginMs + given.number('ms', 5_000) };
  tell('ready');
  setTimeout(() => tell('start'), warmupMs);
  const rate = given.number('rate', 0);
  const seen: Seen = { latencies: new Latencies(), errors: 0 };
  if (rate > 0) await openLoop(clients, keys, call, rate, span, seen);
  else await closedLoop(clients, keys, call, given.number('in-flight', 64), span, seen);
  tell('end', { ...summaryOf(seen.latencies), errors: seen.errors, ms: span.endMs - span.beginMs });
}

async function closedLoop(
  clients: SdkClients,
  keys: readonly string[],
  call: Call,
  inFlight: number,
  span: Span,
  seen: Seen,
): Promise<void> {
  let next = 0;
  const slot = async (index: number): Promise<void> => {
    const client = clients.of(index);
    for (let fromMs = performance.now(); fromMs < span.endMs;) {
      const failed = await outcomeOf(call(client, keys[next++ % keys.length] as string));
      const nowMs = performance.now();
      if (nowMs > span.beginMs && nowMs < span.endMs) record(seen, nowMs - fromMs, failed);
      fromMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, index) => slot(index)));
}

/** What an open loop holds at most: beyond it calls wait in this process, and their time counts. */
const IN_FLIGHT_MAX = 8_192;

async function openLoop(
  clients: SdkClients,
  keys: readonly string[],
  call: Call,
  rate: number,
  span: Span,
  seen: Seen,
): Promise<void> {
  const fromMs = performance.now();
  let [number, underWay] = [0, 0];
  const once = async (dueMs: number, index: number): Promise<void> => {
    const failed = await outcomeOf(call(clients.of(index), keys[index % keys.length] as string));
    underWay -= 1;
    if (dueMs > span.beginMs) record(seen, performance.now() - dueMs, failed);
  };
  while (performance.now() < span.endMs) {
    const due = Math.floor(((performance.now() - fromMs) / 1_000) * rate);
    for (; number < due && underWay < IN_FLIGHT_MAX; number += 1) {
      underWay += 1;
      void once(fromMs + (number / rate) * 1_000, number);
    }
    await delay(1);
  }
  while (underWay > 0) await delay(1);
}

function record(seen: Seen, ms: number, failed: boolean): void {
  if (failed) seen.errors += 1;
  else seen.latencies.add(ms);
}

async function outcomeOf(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return false;
  } catch {
    return true;
  }
}
