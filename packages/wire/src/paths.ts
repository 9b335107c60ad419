import { PATH_BYTES_MAX } from './limits.js';
import { PathScanner } from './path-scanner.js';
import { utf8Length, writeUtf8 } from './utf8.js';

/**
 * Whether a path is allowed; with `sequential`, whether it is allowed as the prefix of a sequential node. The rules are ZooKeeper's
 * (`PathUtils.validatePath`): it starts with `/` and does not end with one, except as a sequential prefix; no component is empty,
 * `.` or `..`; no U+0000-001F, 007F-009F, D800-F8FF, FFF0-FFFF, and so nothing beyond U+FFFF. zkl adds a bound: `pathBytesMax`.
 * @throws never; a path that is too long is refused without being looked at.
 */
export function isValidPath(path: string, sequential = false, pathBytesMax = PATH_BYTES_MAX): boolean {
  if (path.length > pathBytesMax) return false;
  const bytes = new Uint8Array(utf8Length(path));
  writeUtf8(path, bytes, 0);
  return new PathScanner(0, pathBytesMax).scan(bytes, 0, bytes.length, sequential);
}
