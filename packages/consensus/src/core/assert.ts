/** A rule of the protocol was broken: going on could lose data, so the run ends. Never caught inside consensus. */
export class ConsensusFault extends Error {
  override readonly name = 'ConsensusFault';
  readonly code = 'CONSENSUS_FAULT';
}

/** Stays on in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ConsensusFault(message);
}

export function assertNever(value: never, what: string): never {
  throw new ConsensusFault(`unexpected ${what}: ${JSON.stringify(value)}`);
}
