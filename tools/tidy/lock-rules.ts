/** Rules on the lock file, so that `npm ci` works everywhere and against any registry. */
import type { Finding } from './repository.js';

type LockEntry = {
  readonly version?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

export type Lock = { readonly packages: Readonly<Record<string, LockEntry>> };

const path = 'package-lock.json';

/** The folders where Node would look for a dependency of the package at `from`, nearest first. */
function lookups(from: string, name: string): string[] {
  const parents = from
    .split('/node_modules/')
    .map((_, index, parts) => parts.slice(0, parts.length - index).join('/node_modules/'));
  return [...parents.map((parent) => `${parent}/node_modules/${name}`), `node_modules/${name}`];
}

/**
 * Each optional dependency has its own entry. npm leaves out, silently, those that the registry did not have when it made the
 * lock, and `npm ci` then refuses the lock on the platform that they are for.
 */
export function missingOptionalDependencies(lock: Lock): Finding[] {
  return Object.entries(lock.packages).flatMap(([from, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => !lookups(from, name).some((place) => place in lock.packages))
      .map((name) => ({ path, message: `${name}, an optional dependency of ${from}, is not in the lock` })),
  );
}

/** Addresses would tie the lock to the registry of whoever made it. */
export function resolvedAddresses(lock: Lock): Finding[] {
  return Object.entries(lock.packages)
    .filter(([, entry]) => entry.resolved !== undefined && !entry.link)
    .map(([from]) => ({ path, message: `${from} has an address: set omit-lockfile-registry-resolved` }));
}
