import { badArguments, zxid } from '../options/validate.js';
import type { Child } from './results.js';
import type { ChildrenOptions } from './client.js';
import type { Caller } from './caller.js';
import { listChildren } from './znode-calls.js';

/**
 * {@link Client.children}: each page begins after the last name of the one before, and is of a state no older, whichever server
 * answers. Nothing is asked before the first child is wanted.
 */
export async function* iterateChildren(
  caller: Caller,
  path: string,
  options: ChildrenOptions,
): AsyncGenerator<Child, void, undefined> {
  if (typeof options !== 'object' || options === null) throw badArguments('The options of children are none');
  let atLeast = zxid('atLeast', options.atLeast);
  let startAfter = options.startAfter;
  for (;;) {
    const page = await listChildren(caller, path, { ...options, atLeast, startAfter });
    yield* page.children;
    if (!page.more) return;
    startAfter = page.children.at(-1)?.name;
    if (page.zxid > atLeast) atLeast = page.zxid;
  }
}
