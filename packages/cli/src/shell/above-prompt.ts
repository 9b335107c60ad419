import { Writable } from 'node:stream';
import { clearScreenDown, cursorTo, moveCursor, type Interface } from 'node:readline';
import type { Interface as PromisesInterface } from 'node:readline/promises';

/** A line editor, as far as it is needed to draw its line again. */
export type LineEditor = Pick<Interface | PromisesInterface, 'getCursorPos' | 'prompt'>;

/**
 * What is written here while a line is being typed appears above it: the line and its prompt are wiped, the text is written, and both are
 * drawn again below, with the cursor where it was. At other times the text is just written.
 *
 * Text that does not end with a newline gets one: the prompt begins a line of its own.
 */
export class AbovePrompt extends Writable {
  readonly #screen: NodeJS.WritableStream;
  readonly #editor: () => LineEditor | undefined;

  /** @param editor - The line editor while it waits for a line, else undefined. */
  constructor(screen: NodeJS.WritableStream, editor: () => LineEditor | undefined) {
    super({ decodeStrings: false });
    this.#screen = screen;
    this.#editor = editor;
  }

  override _write(chunk: Uint8Array | string, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const editor = this.#editor();
    if (editor === undefined) this.#screen.write(chunk);
    else {
      // A long line fills several rows: the cursor stands in one of them.
      moveCursor(this.#screen, 0, -editor.getCursorPos().rows);
      cursorTo(this.#screen, 0);
      clearScreenDown(this.#screen);
      this.#screen.write(chunk);
      if (!Buffer.from(chunk).toString().endsWith('\n')) this.#screen.write('\n');
      forgetRows(editor);
      editor.prompt(true);
    }
    done();
  }
}

/** The editor goes up by the rows of the line that it drew last before it draws again. That line is gone, and the cursor is at its start. */
function forgetRows(editor: LineEditor): void {
  (editor as { prevRows?: number }).prevRows = 0;
}
