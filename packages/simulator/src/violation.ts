/** A property does not hold. `property` is the name of the checker; the message says what was seen. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly code = 'VIOLATION';
  readonly property: string;

  constructor(property: string, message: string) {
    super(`${property}: ${message}`);
    this.property = property;
  }
}
