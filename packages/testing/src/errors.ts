/** What went wrong with a test cluster: with its use, or with waiting for it. */
export type TestClusterErrorCode =
  /** The option or argument is not allowed: nothing was done. */
  | 'BAD_ARGUMENTS'
  /** The server is not in the state that this needs: nothing was done. */
  | 'WRONG_STATE'
  /** What was waited for did not come in time. */
  | 'DEADLINE_EXCEEDED'
  /** A server ended by itself; `cause` says why. */
  | 'SERVER_FAILED';

/** An error of a test cluster; those of its clients are ZklErrors. */
export class TestClusterError extends Error {
  override readonly name = 'TestClusterError';
  readonly code: TestClusterErrorCode;

  constructor(code: TestClusterErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}
