/** Rules on imports: declared, allowed by the picture of the layers, and none that leaves a package or a pure folder. */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { layers, pureFolders } from '../layers.mjs';
import { isPure } from './text-rules.js';
import { isCode, isTest, isTestHelper, type Finding, type SourceFile, type Workspace } from './repository.js';

type Import = { readonly specifier: string; readonly line: number };

const importPattern =
  /^\s*(?:import|export)\b[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;

export function findImports(file: SourceFile): Import[] {
  return [...file.text.matchAll(importPattern)].map((match) => ({
    specifier: match[1] ?? match[2] ?? match[3] ?? '',
    line: file.text.slice(0, match.index + match[0].length).split('\n').length,
  }));
}

/** `@scope/name/sub` is of the package `@scope/name`. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}

function ownerOf(path: string, workspaces: readonly Workspace[]): Workspace | undefined {
  return workspaces.find(({ folder }) => folder === '' || path.startsWith(`${folder}/`));
}

/** Sources may import what their package declares; tests and configurations also what the root declares for development. */
function isDeclared(name: string, path: string, owner: Workspace, root: Workspace | undefined): boolean {
  const { manifest, folder } = owner;
  if (name === manifest.name) return true;
  const isHelper = isTest(path) || isTestHelper(path);
  const isSource = folder.startsWith('packages/') && path.startsWith(`${folder}/src/`) && !isHelper;
  const declared = isSource
    ? [manifest.dependencies, manifest.peerDependencies, manifest.private ? manifest.devDependencies : undefined]
    : [manifest.dependencies, manifest.peerDependencies, manifest.devDependencies, root?.manifest.devDependencies];
  return declared.some((names) => names !== undefined && name in names);
}

export function undeclaredImports(file: SourceFile, workspaces: readonly Workspace[]): Finding[] {
  const owner = ownerOf(file.path, workspaces);
  if (!isCode(file.path) || !owner) return [];
  const root = workspaces.find(({ folder }) => folder === '');
  return findImports(file)
    .filter(({ specifier }) => !specifier.startsWith('.') && !isBuiltin(specifier))
    .filter(({ specifier }) => !isDeclared(packageOf(specifier), file.path, owner, root))
    .map(({ specifier, line }) => ({
      path: file.path,
      line,
      message: `imports ${specifier}, which ${owner.manifest.name} does not declare`,
    }));
}

/** Other packages are imported by name; pure folders import themselves only. */
export function escapingImports(file: SourceFile, workspaces: readonly Workspace[]): Finding[] {
  const owner = ownerOf(file.path, workspaces);
  if (!isCode(file.path) || !owner) return [];
  const isInPackage = owner.folder.startsWith('packages/') && file.path.startsWith(`${owner.folder}/src/`);
  const pureFolder = isPure(file.path) ? pureFolders.find((folder) => file.path.startsWith(`${folder}/`)) : undefined;
  const home = pureFolder ?? (isInPackage ? owner.folder : undefined);
  if (home === undefined) return [];
  return findImports(file).flatMap(({ specifier, line }) => {
    const inside = specifier.startsWith('.')
      ? posix.join(posix.dirname(file.path), specifier).startsWith(`${home}/`)
      : pureFolder === undefined || pureFolders.includes(`packages/${packageOf(specifier).replace('@zkl/', '')}/src`);
    return inside ? [] : [{ path: file.path, line, message: `imports ${specifier}, which is outside ${home}` }];
  });
}

/** A published package declares only those workspaces that its layer may use. */
export function dependenciesOutsideLayers(workspaces: readonly Workspace[]): Finding[] {
  return workspaces
    .filter(({ folder, manifest }) => folder.startsWith('packages/') && !manifest.private)
    .flatMap(({ folder, manifest }) => {
      const allowed = layers[manifest.name.replace('@zkl/', '')];
      const path = `${folder}/package.json`;
      if (!allowed) return [{ path, message: `${manifest.name} has no place in tools/layers.mjs` }];
      return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies })
        .filter((name) => name.startsWith('@zkl/') && !allowed.includes(name.replace('@zkl/', '')))
        .map((name) => ({ path, message: `declares ${name}, which tools/layers.mjs does not allow` }));
    });
}
