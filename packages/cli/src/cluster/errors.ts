/** What can go wrong with the processes of a local cluster. Stable: programs may compare them. */
export type ClusterErrorCode =
  | 'NO_CLUSTER'
  | 'CLUSTER_RUNNING'
  | 'CLUSTER_FILE_INVALID'
  | 'CLUSTER_LOCKED'
  | 'SIZE_MISMATCH'
  | 'PORT_IN_USE'
  | 'NO_FREE_PORT'
  | 'SERVER_EXITED'
  | 'SERVER_RUNNING'
  | 'SERVER_NOT_RUNNING'
  | 'UNKNOWN_SERVER'
  | 'DEADLINE_EXCEEDED'
  | 'NO_LEADER'
  | 'INVALID_OPTION';

/** An error of the process manager. `message` says what happened, `hint` what to do about it. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ClusterErrorCode;
  /** One sentence, in the imperative. */
  readonly hint: string;

  constructor(code: ClusterErrorCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }
}
