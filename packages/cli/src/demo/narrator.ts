import type { Style } from '../output/style.js';

/** A step of the demonstration was not as it must be. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** Tells the story: numbered steps in plain words, and below each what was checked. */
export class Narrator {
  readonly #write: (text: string) => void;
  readonly #style: Style;
  readonly #start = performance.now();
  #step = 0;
  #checks = 0;

  constructor(style: Style, write: (text: string) => void) {
    this.#style = style;
    this.#write = write;
  }

  /** How many checks have held so far. */
  get checks(): number {
    return this.#checks;
  }

  /** Begins a step. */
  step(title: string, words: string): void {
    this.#step += 1;
    const at = `${((performance.now() - this.#start) / 1000).toFixed(1)} s`;
    this.#write(`\n${this.#style.strong(`${this.#step}. ${title}`)}  ${this.#style.quiet(at)}\n   ${words}\n`);
  }

  /** Shows something as it is. */
  show(text: string): void {
    this.#write(`${text.replace(/^/gm, '   ')}\n`);
  }

  /** Says what must be true, and ends the demonstration when it is not. @throws CheckFailed */
  check(claim: string, holds: boolean, found?: string | number): void {
    if (!holds) {
      this.#write(`   ${this.#style.bad('FAILED')} ${claim}\n`);
      throw new CheckFailed(`${claim}${found === undefined ? '' : `; found: ${found}`}`);
    }
    this.#checks += 1;
    this.#write(`   ${this.#style.good('✓')} ${claim}\n`);
  }
}
