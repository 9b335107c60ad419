/** A contract of the state machine was broken by its caller or by itself: the state is no longer to be trusted. Ends the run. */
export class StateMachineFault extends Error {
  override readonly name = 'StateMachineFault';
}

/** Stays on in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new StateMachineFault(message);
}
