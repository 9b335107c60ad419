/**
 * Leader election: one leader at a time among those that stand for it.
 *
 * Guarantees: as `lock`: no two leaders whose `signal` is not aborted; who stood first leads next; the end of a leader wakes one candidate; a token that grows from term to term.
 *
 * Not guaranteed: that there is a leader at every moment: after the death of one the next leads when the session has expired, which takes its timeout. As `lock`: let what the leader
 * writes to check the token.
 */
import type { Client } from '../client/client.js';
import { decodeText } from '../codec/data.js';
import { isZklError } from '../errors/zkl-error.js';
import type { Session } from '../session/session.js';
import { queueOf } from './contender.js';
import type { AcquireOptions, Holding } from './holding.js';
import { Lock } from './lock.js';

export type { AcquireOptions, Holding } from './holding.js';

/** Who leads. */
export interface LeaderInfo {
  /** What it said of itself. */
  readonly data: string;
  readonly token: bigint;
}

/** Options of {@link LeaderElection}. */
export interface LeaderElectionOptions {
  /** What others are told of the candidate, such as its address. Default: nothing. */
  readonly data?: string | undefined;
}

/** Options of {@link leaderTerms}. */
export interface LeaderTermsOptions extends LeaderElectionOptions {
  /** Of the sessions that it opens. Default: 10,000. */
  readonly sessionTimeoutMs?: number | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * An election on a path, of one session: see the guarantees above. `release` of what `lead` hands out is the resignation.
 *
 * @example
 * ```ts
 * import { createClient } from '@zkl/client-sdk';
 * import { leaderTerms } from '@zkl/client-sdk/recipes/leader-election';
 *
 * await using client = createClient('zkl://127.0.0.1:7001');
 * for await (const term of leaderTerms(client, '/workers/leader', { data: '10.0.0.1:80' })) {
 *   while (!term.signal.aborted) await fetch('https://example.org/next', { signal: term.signal });
 * }
 * ```
 */
export class LeaderElection {
  readonly path: string;
  readonly #session: Session;
  readonly #lock: Lock;

  constructor(session: Session, path: string, options: LeaderElectionOptions = {}) {
    this.#session = session;
    this.path = path;
    this.#lock = new Lock(session, path, { data: options.data });
  }

  /** Stands, and waits until it leads. */
  lead(options: AcquireOptions = {}): Promise<Holding> {
    return this.#lock.acquire(options);
  }

  /** Who leads at present; undefined when nobody stands. */
  async leader(): Promise<LeaderInfo | undefined> {
    try {
      for (;;) {
        const { children } = await this.#session.listChildren(this.path, { withData: true, withStat: true });
        const [first] = queueOf(children.map(({ name }) => name));
        const child = children.find(({ name }) => name === first?.name);
        if (child?.stat === undefined) return undefined;
        return { data: decodeText(child.data ?? null), token: child.stat.czxid };
      }
    } catch (error) {
      if (isZklError(error, 'NO_NODE')) return undefined;
      throw error;
    }
  }

  /** The present leader, then every other one; undefined while nobody stands. For as long as it is iterated. */
  async *leaders(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<LeaderInfo | undefined, void, undefined> {
    const watch = this.#session.watch(this.path, { scope: 'children', ...options });
    await watch.ready();
    let told = await this.leader();
    yield told;
    for await (const _ of watch) {
      const leader = await this.leader();
      if (leader?.token === told?.token) continue;
      told = leader;
      yield told;
    }
  }
}

/**
 * The terms of a candidate that stands again and again, for as long as it is iterated: a term is yielded when it begins, and the next one is
 * stood for when the loop comes back; what was not released then is resigned. Opens sessions of its own, so that it goes on after one expired.
 */
export async function* leaderTerms(
  client: Pick<Client, 'session'>,
  path: string,
  options: LeaderTermsOptions = {},
): AsyncGenerator<Holding, void, undefined> {
  const { data, sessionTimeoutMs, signal } = options;
  while (!isAborted(signal)) {
    await using session = await client.session({ timeoutMs: sessionTimeoutMs, signal });
    const election = new LeaderElection(session, path, { data });
    try {
      while (!session.signal.aborted) {
        await using term = await election.lead({ signal });
        yield term;
      }
    } catch (error) {
      if (isAborted(signal)) return;
      if (!isZklError(error, 'SESSION_EXPIRED') && !session.signal.aborted) throw error;
    }
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
