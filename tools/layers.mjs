/**
 * Who may import whom among the workspaces: the picture in the architecture, as data. Lint reports an import that is not in
 * it, `npm run tidy` a dependency that a package declares without being allowed to.
 *
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const layers = {
  protocol: [],
  wire: [],
  'state-machine': ['wire'],
  consensus: [],
  'log-store': ['consensus'],
  server: ['protocol', 'consensus', 'log-store', 'state-machine', 'wire'],
  'client-sdk': ['protocol', 'wire'],
  testing: ['client-sdk', 'consensus', 'log-store', 'server'],
  cli: ['client-sdk', 'protocol', 'server'],
};

/** Folders whose code is pure: no clock, no randomness, no I/O, no import from outside the folder but of other pure packages. */
export const pureFolders = ['packages/wire/src', 'packages/state-machine/src', 'packages/consensus/src/core'];
