/**
 * What `npm test`, `npm start` and `npm run demo` run, so that they work on a fresh clone: installs the dependencies if they
 * are missing or older than the lock file, then hands over to the real program. Node's own modules only.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const fromSource = ['--import', 'tsx', '--conditions', '@zkl/source'];

/** @type {Record<string, string[]>} */
const programs = {
  start: [...fromSource, 'packages/cli/src/start.ts'],
  demo: [...fromSource, 'packages/cli/src/demo.ts'],
  test: [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    '--outputFile.json=reports/vitest.json',
  ],
};

/** @param {string} message */
function say(message) {
  process.stderr.write(`zkl: ${message}\n`);
}

/** @param {string} message @returns {never} */
function fail(message) {
  say(message);
  process.exit(1);
}

/**
 * Whether what is installed is what the lock file asks for. By content: a checkout gives the lock file a new time without
 * changing it. Optional packages are left out, for most of them belong to other platforms.
 */
function isInstalled() {
  const installedPath = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedPath, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '' || entry.optional || entry.devOptional) return true;
    const found = installed[path];
    return found !== undefined && found.version === entry.version && found.integrity === entry.integrity;
  });
}

/**
 * Runs a program on this terminal and waits for its end. A signal from the terminal reaches the program by itself; one sent
 * to this process alone is handed on.
 *
 * @param {string} command @param {string[]} args @param {{ shell?: boolean }} [options]
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null, error?: Error }>}
 */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    const onInterrupt = () => {};
    /** @param {NodeJS.Signals} signal */
    const onSignal = (signal) => child.kill(signal);
    process.on('SIGINT', hasTerminal ? onInterrupt : onSignal);
    process.on('SIGTERM', onSignal);
    process.on('SIGHUP', onSignal);
    child.once('error', (error) => resolve({ code: 1, signal: null, error }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
}

async function install() {
  say('installing the dependencies (npm ci); this happens once and takes about a minute');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const result = npm?.endsWith('.js')
    ? await run(process.execPath, [npm, ...args])
    : await run('npm', args, { shell: process.platform === 'win32' });
  if (result.signal) exitLike(result);
  if (result.error)
    fail(`npm could not be started: ${result.error.message}. Install Node.js with npm, then try again.`);
  if (result.code !== 0) {
    fail(
      `npm ci failed with code ${result.code}; its reason is above. Usual causes: no network to the package registry ` +
        '(check `npm ping`), or no space left on the disk. Run the same command again once that is mended.',
    );
  }
}

/** Ends as the program ended, so that a shell or CI sees no difference. @param {{ code: number | null, signal: NodeJS.Signals | null }} result */
function exitLike({ code, signal }) {
  process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1));
}

const [name = '', ...args] = process.argv.slice(2);
const program = programs[name];
if (!program) fail(`usage: node tools/bootstrap.mjs ${Object.keys(programs).join('|')} [arguments]`);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node.js 20.19 or newer is needed; this is ${process.versions.node}.`);
}

if (!isInstalled()) await install();
exitLike(await run(process.execPath, [...program, ...args]));
