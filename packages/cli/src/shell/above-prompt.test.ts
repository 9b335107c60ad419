import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { AbovePrompt } from './above-prompt.js';

/* eslint-disable no-control-regex -- a terminal is told what to do by control characters */

/** As much of a terminal as a line editor moves on: rows, a cursor, and the four commands that readline sends. */
class Terminal extends PassThrough {
  readonly columns = 20;
  readonly isTTY = true;
  readonly rows: string[] = [''];
  #row = 0;
  #column = 0;

  override write(chunk: unknown): boolean {
    for (const [part] of String(chunk).matchAll(/\u001b\[\d*[A-Z]|[^]/gu)) this.#take(part);
    return true;
  }

  #take(part: string): void {
    const [, number = '', command = ''] = /^\u001b\[(\d*)([A-Z])$/u.exec(part) ?? [];
    const count = Number(number || 1);
    if (command === 'A') this.#row = Math.max(0, this.#row - count);
    else if (command === 'B') this.#row += count;
    else if (command === 'C') this.#column += count;
    else if (command === 'D') this.#column -= count;
    else if (command === 'G') this.#column = count - 1;
    else if (command === 'J') {
      this.rows[this.#row] = (this.rows[this.#row] ?? '').slice(0, this.#column);
      this.rows.length = this.#row + 1;
    } else if (part === '\r') this.#column = 0;
    else if (part === '\n') this.#newLine();
    else this.#print(part);
  }

  #newLine(): void {
    this.#row += 1;
    this.#column = 0;
    this.rows[this.#row] ??= '';
  }

  #print(character: string): void {
    if (this.#column === this.columns) this.#newLine();
    const row = (this.rows[this.#row] ?? '').padEnd(this.#column);
    this.rows[this.#row] = row.slice(0, this.#column) + character + row.slice(this.#column + 1);
    this.#column += 1;
  }

  get cursor(): [row: number, column: number] {
    return [this.#row, this.#column];
  }
}

function setUp() {
  const [input, screen] = [new PassThrough(), new Terminal()];
  const editor = createInterface({ input, output: screen, terminal: true });
  editor.setPrompt('zkl> ');
  editor.prompt();
  let prompting = true;
  const above = new AbovePrompt(screen, () => (prompting ? editor : undefined));
  return { editor, screen, above, stopPrompting: () => (prompting = false) };
}

test('text appears above the line that is being typed, and the cursor stays in it', () => {
  const { editor, screen, above } = setUp();
  editor.write('get /app');
  editor.write(null as unknown as string, { name: 'left' });
  editor.write(null as unknown as string, { name: 'left' });
  above.write('first\n');
  above.write('second, no newline');
  expect(screen.rows).toEqual(['first', 'second, no newline', 'zkl> get /app']);
  expect(screen.cursor).toEqual([2, 'zkl> get /a'.length]);
  editor.write('X');
  expect(screen.rows.at(-1)).toBe('zkl> get /aXpp');
  editor.close();
});

test('a line of several rows is wiped and drawn again whole', () => {
  const { editor, screen, above } = setUp();
  editor.write('set /app 0123456789abcdefghijklmnopqrstuvwxyz');
  above.write('an event\n');
  above.write('another\n');
  const typed = 'zkl> set /app 0123456789abcdefghijklmnopqrstuvwxyz';
  expect(screen.rows.slice(0, 2)).toEqual(['an event', 'another']);
  expect(screen.rows.slice(2).join('')).toBe(typed);
  editor.close();
});

test('while no line is typed it is just written', () => {
  const { editor, screen, above, stopPrompting } = setUp();
  screen.write('\n');
  stopPrompting();
  above.write('an answer\n');
  expect(screen.rows).toEqual(['zkl> ', 'an answer', '']);
  editor.close();
});
