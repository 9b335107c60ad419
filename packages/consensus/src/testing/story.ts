import { StoryCluster } from './story-cluster.js';

/**
 * Stories: tests of the core that read as what happens. A file is a row of scenes, each one some command lines, a line `----`, what came of
 * them, and an empty line. Lines that begin with `#` are the narration. The commands are those of `COMMANDS`.
 */
export function runStory(text: string): string {
  const story = new Story();
  return `${text
    .trimEnd()
    .split(/\n{2,}/)
    .map((scene) => story.play(scene))
    .join('\n\n')}\n`;
}

type Command = (story: Story, words: readonly string[]) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  /** `cluster 3`: that many servers, all started and connected, nothing delivered yet. `cluster 3 without <rules>` switches rules off. */
  cluster: (story, [size, , ...planted]) => story.begin(Number(size), planted),
  /** `settle`: everything in flight arrives, and all that it causes; disks flush. No time passes. */
  settle: (story) => story.cluster.settle(),
  /** `run 20`: so many ticks of all that run, settling after each. */
  run: (story, [ticks]) => story.run(Number(ticks)),
  /** `tick 1 5`: server 1's clock alone moves on, nothing is delivered. */
  tick: (story, [id, count]) => {
    for (let i = 0; i < Number(count ?? 1); i++) story.cluster.tick(Number(id));
  },
  /** `deliver 1 2`: what waits on the path from 1 to 2 arrives, told one by one. */
  deliver: (story, [from, to]) => story.cluster.deliver(Number(from), Number(to)),
  /** `drop 1 2`: what waits on the path from 1 to 2 is lost. */
  drop: (story, [from, to]) => story.cluster.drop(Number(from), Number(to)),
  /** `double 1 2`: what waits on the path from 1 to 2 comes once more, behind the rest. */
  double: (story, [from, to]) => story.cluster.double(Number(from), Number(to)),
  /** `hold 1 2`: from now on messages from 1 to 2 wait, and neither knows. `unhold` ends it. */
  hold: (story, [from, to]) => story.cluster.hold(Number(from), Number(to)),
  unhold: (story, [from, to]) => story.cluster.unhold(Number(from), Number(to)),
  /** `cut 1 2`: the connection ends, and both notice. `mend` makes a new one. */
  cut: (story, [a, b]) => story.cluster.cut(Number(a), Number(b)),
  mend: (story, [a, b]) => story.cluster.mend(Number(a), Number(b)),
  /** `isolate 1`, `rejoin 1`: the same with all others. */
  isolate: (story, [id]) => story.forOthers(Number(id), (other) => story.cluster.cut(Number(id), other)),
  rejoin: (story, [id]) => story.forOthers(Number(id), (other) => story.cluster.mend(Number(id), other)),
  /** `crash 1`: what is not durable is lost. `start 1`. */
  crash: (story, [id]) => story.cluster.crash(Number(id)),
  start: (story, [id]) => story.cluster.start(Number(id)),
  /** `wipe 1`, `damage 1 2`: while it is down, its disk is lost, or its last two blocks become unreadable. */
  wipe: (story, [id]) => story.cluster.server(Number(id)).wipe(),
  damage: (story, [id, count]) => story.cluster.server(Number(id)).damage(Number(count)),
  /** `forget 1`: while it is down, its promises become unreadable; the log is whole. */
  forget: (story, [id]) => story.cluster.server(Number(id)).forget(),
  /** `pause 1`: inputs wait. `resume 1`: they are heard, all in one turn. */
  pause: (story, [id]) => {
    story.cluster.server(Number(id)).paused = true;
  },
  resume: (story, [id]) => story.cluster.server(Number(id)).resume(),
  /** `slow 1`: its disk flushes only when told by `flush 1`. `fast 1` ends it. */
  slow: (story, [id]) => {
    story.cluster.server(Number(id)).slowDisk = true;
  },
  fast: (story, [id]) => {
    story.cluster.server(Number(id)).slowDisk = false;
  },
  flush: (story, [id]) => story.cluster.server(Number(id)).flush(),
  /** `purge 1`: takes a snapshot of what is applied and forgets the log behind it. */
  purge: (story, [id]) => story.cluster.server(Number(id)).purge(),
  /** `propose 1 3`: three writes in one block. `read 1`: a linearizable read. */
  propose: (story, [id, count]) => story.cluster.propose(Number(id), Number(count ?? 1)),
  read: (story, [id]) => story.cluster.read(Number(id)),
  /** `retire 1`: told to stop in good order. */
  retire: (story, [id]) => story.cluster.server(Number(id)).input({ kind: 'retire' }),
  /** `status`: a line for each server. */
  status: (story) => {
    for (const server of story.cluster.servers.values()) story.lines.push(server.describe());
  },
};

class Story {
  lines: string[] = [];
  #cluster: StoryCluster | undefined;

  get cluster(): StoryCluster {
    if (this.#cluster === undefined) throw new Error('a story begins with: cluster <size>');
    return this.#cluster;
  }

  begin(size: number, planted: readonly string[]): void {
    this.#cluster = new StoryCluster(size, new Set(planted));
    for (let id = 1; id <= size; id++) this.#cluster.start(id);
  }

  run(ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      for (const id of this.cluster.servers.keys()) this.cluster.tick(id);
      this.cluster.settle();
    }
  }

  forOthers(id: number, action: (other: number) => void): void {
    for (const other of this.cluster.servers.keys()) if (other !== id) action(other);
  }

  /** The scene again, with what really came of it. */
  play(scene: string): string {
    const all = scene.split('\n');
    const end = all.indexOf('----');
    const script = end < 0 ? all : all.slice(0, end);
    const commands = script.filter((line) => line.trim() !== '' && !line.startsWith('#'));
    if (commands.length === 0) return scene;
    this.lines = [];
    for (const line of commands) this.#do(line);
    return [...script, '----', ...(this.lines.length > 0 ? this.lines : ['nothing'])].join('\n');
  }

  #do(line: string): void {
    const [name, ...words] = line.trim().split(/\s+/);
    const command = COMMANDS[name ?? ''];
    if (command === undefined) throw new Error(`unknown command: ${line}`);
    try {
      command(this, words);
    } catch (error) {
      this.lines.push(`fault: ${error instanceof Error ? error.message : String(error)}`);
    }
    if (this.#cluster !== undefined) this.lines.push(...this.#cluster.takeTold());
  }
}
