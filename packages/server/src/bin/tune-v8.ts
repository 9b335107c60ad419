import { setFlagsFromString } from 'node:v8';

/**
 * What V8 is told that it would decide otherwise by itself.
 *
 * - `--interrupt-budget`: how much bytecode a function runs through between two looks at whether it is worth compiling; V8's own figure is 67,584. A call runs through a thousand small
 *   functions, none of them often: with V8's own figure a server that has just started, as after every upgrade and every crash, spends a quarter of its processor time in code that is not compiled
 *   yet, for many seconds. Far less than 20,000 costs more than it saves: what is compiled before it has shown what it works on is thrown away again (docs/decisions/0009).
 * - `--heap-growing-percent`: how much the old generation, and what buffers grow beside it, may grow before it is collected again. A server keeps its data outside V8's heap, so its heap is small, about 25 MiB,
 *   and V8's own bound was reached by the buffers of a quarter of a second's messages: it collected four times a second, and found nothing. Every write in between waited (docs/decisions/0011).
 */
const FLAGS: Readonly<Record<string, number>> = { '--interrupt-budget': 20_000, '--heap-growing-percent': 150 };

/** For a process that is a server and nothing else; whoever gave Node.js one of the flags keeps what they gave. */
export function tuneV8(given: readonly string[] = process.execArgv): void {
  const names = new Set(given.map((argument) => argument.replaceAll('_', '-').split('=')[0]));
  for (const [flag, value] of Object.entries(FLAGS)) if (!names.has(flag)) setFlagsFromString(`${flag}=${value}`);
}
