import { badArguments, show } from './validate.js';

/** A path's length in bytes of UTF-8, at most. */
const PATH_BYTES_MAX = 4_096;

/** Characters that no name may have: the same as in ZooKeeper. A lone or paired surrogate is one of them. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** An empty name, `.` or `..`; one look, where a look at every name costs more than all the rest of a call. */
const ODD_NAME = /\/\.{0,2}(?:\/|$)/;

const encoder = new TextEncoder();

/**
 * Refuses a malformed path before it is sent, by the server's own rules.
 *
 * @param path - Absolute: `/a/b`.
 * @param prefix - It is the prefix of a sequential znode, and so may end with `/`.
 * @throws {@link BadArgumentsError}
 */
export function requirePath(path: unknown, prefix = false): string {
  if (typeof path !== 'string') throw badArguments(`The path is ${show(path)}`, 'Give a string');
  const problem = findProblem(path, prefix);
  if (problem === undefined) return path;
  throw badArguments(`The path ${show(path)} ${problem}`, undefined, path);
}

function findProblem(path: string, prefix: boolean): string | undefined {
  if (!path.startsWith('/')) return 'does not start with /';
  if (FORBIDDEN.test(path)) return 'has a character that is not allowed';
  // Three bytes a character at most: most paths need not be encoded to know.
  if (path.length * 3 > PATH_BYTES_MAX && encoder.encode(path).byteLength > PATH_BYTES_MAX) {
    return `is longer than ${PATH_BYTES_MAX} bytes`;
  }
  if (path === '/') return undefined;
  const whole = prefix && path.endsWith('/') ? path.slice(0, -1) : path;
  if (!ODD_NAME.test(whole)) return undefined;
  if (whole.endsWith('/')) return 'ends with /';
  for (const name of whole.slice(1).split('/')) {
    if (name === '') return 'has an empty name';
    if (name === '.' || name === '..') return `has the name ${name}, which is not allowed`;
  }
  return undefined;
}
