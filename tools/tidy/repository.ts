/** What the tidy rules see of the repository: every file that git would take, and its text. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type SourceFile = { readonly path: string; readonly text: string };

export type Finding = { readonly path: string; readonly line?: number; readonly message: string };

type Manifest = {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
};

/** A workspace, or the root. `folder` is relative to the root, '' for the root itself. */
export type Workspace = { readonly folder: string; readonly manifest: Manifest };

const readable =
  /\.(?:ts|tsx|mts|cts|js|mjs|cjs|json|md|ya?ml|proto|sh|txt|html|css)$|(?:^|\/)(?:\.ci\/|Dockerfile|\.npmrc)/;

export function readRepository(root: string): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return [...new Set(listed.split('\0'))]
    .filter((path) => readable.test(path) && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The workspaces, deepest folder first, so that the first match is the owner of a file. */
export function findWorkspaces(files: readonly SourceFile[]): Workspace[] {
  return files
    .filter(({ path }) =>
      /^(?:(?:packages|examples)\/[^/]+\/|tests\/|benchmarks\/|tools\/check-app\/app\/)?package\.json$/.test(path),
    )
    .map(({ path, text }) => ({
      folder: path.slice(0, -'package.json'.length).replace(/\/$/, ''),
      manifest: JSON.parse(text) as Manifest,
    }))
    .sort((a, b) => b.folder.length - a.folder.length);
}

export function isCode(path: string): boolean {
  return /\.(?:ts|tsx|mts|cts|js|mjs|cjs)$/.test(path) && !path.endsWith('.d.ts') && !isGenerated(path);
}

export function isGenerated(path: string): boolean {
  return path.startsWith('packages/protocol/src/gen/');
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('tests/');
}

/** These help the tests of their own package and are not published. */
export function isTestHelper(path: string): boolean {
  return /^packages\/(?:client-sdk|log-store|wire)\/src\/testing\//.test(path);
}

/** One finding a line that matches. */
export function findLines(file: SourceFile, pattern: RegExp, message: string): Finding[] {
  return file.text
    .split('\n')
    .flatMap((text, index) => (pattern.test(text) ? [{ path: file.path, line: index + 1, message }] : []));
}
