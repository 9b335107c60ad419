import { setFlagsFromString } from 'node:v8';

/** How much bytecode a function runs through between two looks at whether it is worth compiling; V8's own figure is 67,584. */
const INTERRUPT_BUDGET_BYTES = 20_000;

const FLAG = '--interrupt-budget';

/**
 * Lets V8 compile hot functions about three times as soon. A call runs through a thousand small functions, none of them often: with V8's own figure a server that has just started, as
 * after every upgrade and every crash, spends a quarter of its processor time in code that is not compiled yet, for many seconds. Far less than this figure costs more than it saves: what is compiled before it has shown
 * what it works on is thrown away again (docs/decisions/0009).
 *
 * For a process that is a server and nothing else; whoever gave Node.js the flag keeps what they gave.
 */
export function compileSooner(given: readonly string[] = process.execArgv): void {
  if (given.some((argument) => argument.replaceAll('_', '-').split('=')[0] === FLAG)) return;
  setFlagsFromString(`${FLAG}=${INTERRUPT_BUDGET_BYTES}`);
}
