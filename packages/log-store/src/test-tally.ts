import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Counts what came of each place that a test tried. The long run (`ZKL_CRASH=all`) leaves it in `reports`. */
export class Tally {
  readonly #name: string;
  readonly #counts = new Map<string, number>();

  constructor(name: string) {
    this.#name = name;
  }

  add(what: string, outcome: string): void {
    const key = `${what}: ${outcome}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** How many of a kind, or of one outcome of it. */
  of(what: string, outcome?: string): number {
    if (outcome !== undefined) return this.#counts.get(`${what}: ${outcome}`) ?? 0;
    return [...this.#counts].reduce((sum, [key, count]) => (key.startsWith(`${what}: `) ? sum + count : sum), 0);
  }

  write(): void {
    if (process.env['ZKL_CRASH'] !== 'all') return;
    const folder = fileURLToPath(new URL('../../../reports', import.meta.url));
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      `${folder}/${this.#name}.json`,
      `${JSON.stringify(Object.fromEntries(this.#counts), undefined, 2)}\n`,
    );
  }
}
