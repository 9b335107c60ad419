import { isValidPath, type Command } from '@zkl/state-machine';
import { rejected, type Failure } from '../request/failure.js';

/** The command, or the first thing that is wrong with the request. Checked at the edge, so that nothing malformed costs a place in the log. */
export function checked(failures: readonly (Failure | undefined)[], command: Command): Command | Failure {
  return failures.find((failure) => failure !== undefined) ?? command;
}

/** Why a value cannot be stored, if it cannot. */
export function valueFailure(
  value: Uint8Array | undefined,
  valueBytesMax: number,
  path: string | undefined,
): Failure | undefined {
  if (value === undefined || value.byteLength <= valueBytesMax) return undefined;
  return rejected('VALUE_TOO_LARGE', {
    path,
    message: `The value has ${value.byteLength} bytes, and the limit is ${valueBytesMax}.`,
  });
}

/** Why a path is not allowed, if it is not. With `sequential` it is a prefix, and may end with a slash. */
export function pathFailure(path: string, sequential: boolean): Failure | undefined {
  if (isValidPath(path, sequential)) return undefined;
  // A path may be as long as the message: the error must not be.
  const shown = path.length > PATH_SHOWN_MAX ? `${path.slice(0, PATH_SHOWN_MAX)}...` : path;
  return rejected('BAD_ARGUMENTS', { path: shown, message: PATH_RULES });
}

const PATH_SHOWN_MAX = 256;

const PATH_RULES =
  'The path is not allowed: it starts with a slash and does not end with one, has no empty, . or .. part, no control characters, and at most 4,096 bytes.';
