import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@zkl/client-sdk';
import { isZklError } from '@zkl/client-sdk';
import type { HistoryRecorder } from '../history/history-recorder.js';
import type { Caller } from './caller.js';
import type { Random } from './random.js';

/** What an actor of a workload is given. */
export interface Stage {
  /** A znode that is this workload's own. */
  readonly root: string;
  readonly recorder: HistoryRecorder;
  readonly random: Random;
  /** Aborted when the workload ends: actors come to an end then, and leave no call under way. */
  readonly signal: AbortSignal;
  /** The longest pause after a call, in milliseconds. */
  readonly pauseMsMax: number;
  /** The deadline of calls, in milliseconds. */
  readonly timeoutMs: number;
}

/** One user of the cluster that does one kind of thing until it is told to stop. */
export type Actor = (stage: Stage, caller: Caller, client: Client) => Promise<void>;

/** Does something again and again until the workload ends. */
export async function repeat(stage: Stage, act: () => Promise<unknown>): Promise<void> {
  while (!stage.signal.aborted) {
    await act();
    await pause(stage);
  }
}

export async function pause({ pauseMsMax, random }: Stage): Promise<void> {
  if (pauseMsMax > 0) await delay(random.next() * pauseMsMax);
}

/** What the SDK refuses to a user who is not recorded call by call: the cluster was not reached, or the session is over. Anything else is a defect. */
export async function tolerating<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (isZklError(error) || (error instanceof Error && ['TimeoutError', 'AbortError'].includes(error.name)))
      return undefined;
    throw error;
  }
}
