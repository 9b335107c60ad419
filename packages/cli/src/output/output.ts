import { createStyle, type Style } from './style.js';

/** What can stand in an answer for programs. zxids stand as `0x...`: JSON's numbers end at 2^53. */
export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined };
export type JsonObject = Readonly<Record<string, JsonValue | undefined>>;

/** Where an answer goes. */
export interface OutputStreams {
  readonly out: NodeJS.WritableStream;
  readonly error: NodeJS.WritableStream;
}

/**
 * The one place where answers are written: for people as text, or with `--json` for programs, one object a line and nothing else on
 * the output stream.
 */
export class Output {
  readonly json: boolean;
  /** Whether text for people may have colours. */
  readonly colors: boolean;
  readonly style: Style;
  readonly #streams: OutputStreams;

  constructor(options: { readonly json: boolean; readonly colors: boolean; readonly streams: OutputStreams }) {
    this.json = options.json;
    this.colors = options.colors;
    this.style = createStyle(options.colors && !options.json);
    this.#streams = options.streams;
  }

  /** The same output in the other form. */
  withJson(json: boolean, colors: boolean): Output {
    return json === this.json ? this : new Output({ json, colors, streams: this.#streams });
  }

  /** The same output to other streams. */
  to(streams: OutputStreams): Output {
    return new Output({ json: this.json, colors: this.colors, streams });
  }

  /** Writes one answer, in the form that is wanted; the text is only made when it is. */
  answer(object: JsonObject, text: () => string): void {
    this.#streams.out.write(this.json ? `${JSON.stringify({ ok: true, ...object })}\n` : `${text()}\n`);
  }

  /** Writes an error: for people on the error stream; with `--json` on the output stream, as an answer with `"ok": false`. */
  error(object: JsonObject, text: () => string): void {
    if (this.json) this.#streams.out.write(`${JSON.stringify({ ok: false, ...object })}\n`);
    else this.#streams.error.write(`${text()}\n`);
  }

  /** Says something by the way, to people only: what is going on, or a hint. */
  note(text: string): void {
    if (!this.json) this.#streams.error.write(`${text}\n`);
  }

  /** Writes text or bytes as they are, in both forms. */
  raw(data: Uint8Array | string): void {
    this.#streams.out.write(data);
  }
}
