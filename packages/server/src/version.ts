import manifest from '../package.json' with { type: 'json' };

/** The version of this package, which is the version of zkl. */
export const VERSION: string = manifest.version;
