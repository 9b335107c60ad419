import type { Block, Zxid } from '@zkl/consensus';

/** The digest of the whole state right after a block. */
export interface DigestPoint {
  readonly zxid: Zxid;
  readonly digest: string;
}

/** Points kept at each level. */
const POINTS_PER_LEVEL = 16;

/** A level takes the blocks that contain a counter divisible by its step: every block, about every 256th write, every 65,536th write. */
const LEVEL_STEPS = [1, 256, 65_536] as const;

/**
 * A few recent digests at places that are the same on every server, because blocks are: the last blocks, and ever sparser ones before
 * them. So two servers find a zxid that both have a digest of, although one is ahead of the other.
 */
export class DigestRing {
  readonly #levels: readonly DigestPoint[][] = LEVEL_STEPS.map(() => []);

  /** Notes the state after `block`; `digest` is asked for only when it is needed. */
  onApplied(block: Block, digest: () => string): void {
    const last = block.firstCounter + block.count - 1;
    let point: DigestPoint | undefined;
    for (const [level, step] of LEVEL_STEPS.entries()) {
      if (Math.floor(last / step) === Math.floor((block.firstCounter - 1) / step)) return;
      point ??= { zxid: { epoch: block.epoch, counter: last }, digest: digest() };
      this.#push(level, point);
    }
  }

  /** The state was replaced: what was noted belongs to another past. */
  clear(): void {
    for (const level of this.#levels) level.length = 0;
  }

  /** Each point once, the newest last. */
  get points(): readonly DigestPoint[] {
    const points = new Set([...this.#levels].reverse().flat());
    return [...points].sort((a, b) => a.zxid.epoch - b.zxid.epoch || a.zxid.counter - b.zxid.counter);
  }

  #push(level: number, point: DigestPoint): void {
    const points = this.#levels[level] ?? [];
    points.push(point);
    if (points.length > POINTS_PER_LEVEL) points.shift();
  }
}
