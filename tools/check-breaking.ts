/**
 * `buf breaking` against what came before: the latest release; before the first one, where this branch left main; on main, the
 * commit before. Passes when there is nothing to compare with: a first commit, a shallow clone, a base without these modules.
 * Commits that announce the break (`feat!: ...` or `BREAKING CHANGE:`) turn the findings into a report.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const modules = ['buf.yaml', 'proto', 'proto-vendor'];

function git(...args: string[]): string | undefined {
  const result = spawnSync('git', args, { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

function findBase(): string | undefined {
  const release = git('describe', '--tags', '--abbrev=0', '--match=v*');
  if (release) return release;
  const head = git('rev-parse', 'HEAD');
  const fork = git('merge-base', 'HEAD', 'origin/main') ?? git('merge-base', 'HEAD', 'main');
  return fork && fork !== head ? fork : git('rev-parse', '--verify', '--quiet', 'HEAD~1');
}

function hasModules(base: string): boolean {
  return modules.every((path) => git('cat-file', '-e', `${base}:${path}`) !== undefined);
}

function isAnnounced(base: string): boolean {
  return /^(?:[a-z]+(?:\([^)]*\))?!:|BREAKING[ -]CHANGE:)/m.test(git('log', '--format=%B', `${base}..HEAD`) ?? '');
}

function compare(base: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'zkl-breaking-'));
  try {
    const archive = execFileSync('git', ['archive', base, '--', ...modules]);
    execFileSync('tar', ['-x', '-C', folder], { input: archive });
    return spawnSync('buf', ['breaking', '--against', folder], { stdio: 'inherit' }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const base = findBase();
if (!base || !hasModules(base)) {
  console.log('No earlier version of the proto files to compare with.');
} else if (compare(base) === 0) {
  console.log(`No breaking change since ${base}.`);
} else if (isAnnounced(base)) {
  console.log(`Breaking changes since ${base}, announced in the commits.`);
} else {
  console.error(`Breaking changes since ${base}. Mean it? Say so in a commit: "feat!: ..." or "BREAKING CHANGE: ...".`);
  process.exitCode = 1;
}
