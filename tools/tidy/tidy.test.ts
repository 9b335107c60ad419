import { describe, expect, it } from 'vitest';
import { dependenciesOutsideLayers, escapingImports, findImports, undeclaredImports } from './import-rules.js';
import { missingOptionalDependencies, resolvedAddresses } from './lock-rules.js';
import type { SourceFile, Workspace } from './repository.js';
import { textRules } from './text-rules.js';

const core = 'packages/consensus/src/core/core.ts';
const messages = (file: SourceFile): string[] => textRules.flatMap((rule) => rule(file)).map(({ message }) => message);

describe('text rules', () => {
  it.each([
    [core, 'const now = Date.now();'],
    [core, 'const now = new Date();'],
    ['packages/state-machine/src/tree.ts', 'const n = Math.random();'],
    ['packages/log-store/src/a.ts', '// TO' + 'DO: later'],
    ['packages/log-store/src/a.test.ts', 'it.on' + "ly('works', () => {});"],
    ['packages/log-store/src/a.ts', 'export default 1;'],
    ['docs/tour.md', 'cd /wo' + 'rk/main'],
    ['.npmrc', 'registry=https://regis' + 'try.npmjs.org/'],
    ['packages/log-store/src/a.ts', 'x;\n'.repeat(401)],
  ])('reports one finding in %s', (path, text) => {
    expect(messages({ path, text })).toHaveLength(1);
  });

  it.each([
    ['packages/consensus/src/core/core.test.ts', 'const now = Date.now();'],
    ['packages/server/src/clock.ts', 'const now = Date.now();'],
    ['packages/cli/tsup.config.ts', 'export default 1;'],
    ['docs/tour.md', 'see https://example.org/wo' + 'rk/main'],
    ['packages/log-store/src/a.ts', '/** Over 400 lines: one table. */\n' + 'x;\n'.repeat(401)],
  ])('reports nothing in %s', (path, text) => {
    expect(messages({ path, text })).toEqual([]);
  });
});

describe('import rules', () => {
  const workspaces: Workspace[] = [
    { folder: 'packages/consensus', manifest: { name: '@zkl/consensus' } },
    { folder: 'packages/log-store', manifest: { name: '@zkl/log-store', dependencies: { '@zkl/consensus': '0.1.0' } } },
    { folder: '', manifest: { name: 'zkl', devDependencies: { vitest: '1' } } },
  ];
  const undeclared = (path: string, text: string): number => undeclaredImports({ path, text }, workspaces).length;
  const escaping = (path: string, text: string): number => escapingImports({ path, text }, workspaces).length;

  it('finds every form of import, with the line that names the module', () => {
    const text = "import {\n  a,\n} from 'a';\nexport * from 'b';\nimport 'c';\nconst d = await imp" + "ort('d');\n";
    expect(findImports({ path: core, text })).toEqual([
      { specifier: 'a', line: 3 },
      { specifier: 'b', line: 4 },
      { specifier: 'c', line: 5 },
      { specifier: 'd', line: 6 },
    ]);
  });

  it('reports what a package does not declare', () => {
    expect(undeclared('packages/log-store/src/a.ts', "import { x } from '@zkl/consensus/testing';")).toBe(0);
    expect(undeclared('packages/log-store/src/a.ts', "import { x } from '@zkl/server';")).toBe(1);
    expect(undeclared('packages/log-store/src/a.ts', "import { x } from 'vitest';")).toBe(1);
    expect(undeclared('packages/log-store/src/a.test.ts', "import { x } from 'vitest';")).toBe(0);
    expect(undeclared('packages/log-store/src/a.ts', "import { x } from 'node:fs';")).toBe(0);
  });

  it('reports imports that leave a package or a pure folder', () => {
    expect(escaping('packages/log-store/src/a.ts', "import { x } from '../../consensus/src/index.js';")).toBe(1);
    expect(escaping('packages/consensus/src/node/a.ts', "import { x } from '../core/core.js';")).toBe(0);
    expect(escaping(core, "import { x } from '../node/driver.js';")).toBe(1);
    expect(escaping(core, "import { x } from 'node:fs';")).toBe(1);
    expect(escaping(core, "import { x } from './zxid.js';")).toBe(0);
  });

  it('reports a declared dependency that the layers do not allow', () => {
    const manifest = { name: '@zkl/consensus', dependencies: { '@zkl/log-store': '0.1.0' } };
    expect(dependenciesOutsideLayers([{ folder: 'packages/consensus', manifest }])).toHaveLength(1);
    expect(dependenciesOutsideLayers(workspaces)).toEqual([]);
  });
});

describe('lock rules', () => {
  it('reports optional dependencies without an entry, wherever Node would look for it', () => {
    const lock = {
      packages: {
        'node_modules/a': { optionalDependencies: { 'a-linux': '1', 'a-mac': '1', 'a-win': '1' } },
        'node_modules/a-linux': { version: '1' },
        'node_modules/a/node_modules/a-mac': { version: '1' },
      },
    };
    expect(missingOptionalDependencies(lock).map(({ message }) => message)).toEqual([
      'a-win, an optional dependency of node_modules/a, is not in the lock',
    ]);
  });

  it('reports addresses, but not links to workspaces', () => {
    const lock = {
      packages: {
        'node_modules/a': { resolved: 'https://example.org/a.tgz' },
        'node_modules/b': { resolved: 'b', link: true },
      },
    };
    expect(resolvedAddresses(lock)).toHaveLength(1);
  });
});
