/**
 * Group membership: who is there.
 *
 * Guarantees: a member is in the group until it leaves or its session ends; a view is the whole group at one zxid.
 *
 * Not guaranteed: that a member which is in the group is alive at this moment: one that died is in it until its session expires.
 */
import type { Calls } from '../client/client.js';
import type { Session } from '../session/session.js';
import type { Mirror } from '../watch/mirror.js';
import { ensureFolder } from './contender.js';
import { PersistentEphemeral } from './persistent-ephemeral.js';
import type { Client } from '../client/client.js';
import { isZklError } from '../errors/zkl-error.js';

/** A member of a group. */
export interface Member {
  readonly name: string;
  /** What it said of itself. */
  readonly data: string;
}

/** The group as it is followed. */
export interface GroupView extends AsyncDisposable {
  /** In the order of their names. */
  members(): readonly Member[];
  /** Calls back when it has changed. Returns how to stop that. */
  onChange(callback: (members: readonly Member[]) => void): () => void;
  close(): Promise<void>;
}

/** A group on a path: see the guarantees above. */
export class Group {
  readonly path: string;
  readonly #calls: Calls;

  /** @param calls - A client, or a session. */
  constructor(calls: Calls, path: string) {
    this.#calls = calls;
    this.path = path;
  }

  /** Joins for as long as a session lives, under a name of its own. @throws {@link ZklError} `NODE_EXISTS` when the name is taken. */
  async join(session: Session, name: string, data = ''): Promise<void> {
    for (;;) {
      try {
        await session.create(`${this.path}/${name}`, data, { mode: 'ephemeral' });
        return;
      } catch (error) {
        if (!isZklError(error, 'NO_NODE')) throw error;
        await ensureFolder(session, this.path);
      }
    }
  }

  /** Joins for as long as this process lives: again, with another session, when one has expired. Leave by `close`. */
  stay(client: Pick<Client, 'session'>, name: string, data = ''): PersistentEphemeral {
    return new PersistentEphemeral(client, `${this.path}/${name}`, data);
  }

  /** Who is there now. */
  async members(): Promise<readonly Member[]> {
    const members: Member[] = [];
    try {
      for await (const { name, data } of this.#calls.children(this.path, { withData: true })) {
        members.push({ name, data: new TextDecoder().decode(data ?? new Uint8Array(0)) });
      }
    } catch (error) {
      if (!isZklError(error, 'NO_NODE')) throw error;
    }
    return members;
  }

  /** Follows the group. */
  async follow(): Promise<GroupView> {
    const mirror = await this.#calls.mirror(this.path);
    return viewOf(mirror, this.path);
  }
}

function viewOf(mirror: Mirror, path: string): GroupView {
  const members = (): readonly Member[] =>
    mirror.children(path).map((name) => ({ name, data: mirror.get(`${path}/${name}`)?.text() ?? '' }));
  return {
    members,
    onChange: (callback) => mirror.onChange(() => callback(members())),
    close: () => mirror.close(),
    [Symbol.asyncDispose]: () => mirror.close(),
  };
}
