import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isZklError, ZklError } from '@zkl/client-sdk';
import { isValidPath } from '@zkl/wire';
import fc from 'fast-check';
import { CLUSTER_FILE, readClusterFile } from '../../../packages/cli/src/cluster/cluster-file.js';
import { ClusterError } from '../../../packages/cli/src/cluster/errors.js';
import { parseLinuxStat } from '../../../packages/cli/src/cluster/process-identity.js';
import { parseLogLine } from '../../../packages/cli/src/cluster/server-log.js';
import * as parsers from '../../../packages/cli/src/commands/option-parsers.js';
import { parseInvocation } from '../../../packages/cli/src/commands/program.js';
import { commandTable } from '../../../packages/cli/src/commands/table.js';
import { readArguments, readLines } from '../../../packages/cli/src/commands/transaction/transaction-text.js';
import { UsageError } from '../../../packages/cli/src/output/explain-error.js';
import { loadHistory } from '../../../packages/cli/src/shell/history-file.js';
import { quoteWord, splitWords } from '../../../packages/cli/src/shell/split-words.js';
import { requirePath } from '../../../packages/client-sdk/src/options/path.js';
import { resolveOptions } from '../../../packages/client-sdk/src/options/resolve-options.js';
import { parseEndpoint } from '../../../packages/client-sdk/src/routing/endpoint-address.js';
import { describeOptions } from '../../../packages/server/src/options/describe-options.js';
import { loadOptions } from '../../../packages/server/src/options/load-options.js';
import { formatAddress, parseAddress, parseMembers } from '../../../packages/server/src/options/members.js';
import { OptionError } from '../../../packages/server/src/options/option-error.js';
import { handleCors } from '../../../packages/server/src/http/cors.js';
import { bytesOfText, codeOf, must, textOf, type FuzzTarget } from '../engine/target.js';

const texts = (...examples: string[]): fc.Arbitrary<Uint8Array> => fc.constantFrom(...examples).map(bytesOfText);

const connectionString: FuzzTarget = {
  name: 'client-connection-string',
  covers: ['options/connection-string', 'options/resolve-options', 'routing/endpoint-address'].map(
    (file) => `packages/client-sdk/src/${file}.ts`,
  ),
  valid: texts(
    'zkl://127.0.0.1:7001,[::1]:7002/app?timeoutMs=5000&stream=false',
    'zkls://a.example:443,b.example:444/?discover=true&server=3',
    'zkl://localhost:1/__proto__/constructor?__proto__=1',
    'http://127.0.0.1:7001/x',
  ),
  run: (input) => {
    const text = textOf(input);
    const endpoint = parseEndpoint(text);
    if (endpoint !== undefined)
      must(parseEndpoint(endpoint.url)?.url === endpoint.url, 'an endpoint that is another one when it is read again');
    try {
      const options = resolveOptions(text, { discover: true });
      must(
        options.endpoints.length > 0 && Number.isSafeInteger(options.timeoutMs),
        'options without an endpoint or a timeout',
      );
      must(options.chroot === '' || isValidPath(options.chroot), 'a chroot that is no path');
      return 'options';
    } catch (error) {
      return codeOf(error, ZklError);
    }
  },
};

const clientPath: FuzzTarget = {
  name: 'client-path',
  covers: ['packages/client-sdk/src/options/path.ts'],
  valid: texts('/a/b', '/', '/__proto__', '/a/../b', '/\u00e9\u4e2d', '/a//b', '/\ud800', `/${'x'.repeat(4_095)}`),
  run: (input) => {
    const text = textOf(input);
    try {
      requirePath(text);
      must(isValidPath(text), `the client takes the path ${JSON.stringify(text)}, and the server does not`);
      return 'path';
    } catch (error) {
      must(isZklError(error), 'an untyped error');
      must(!isValidPath(text), `the server takes the path ${JSON.stringify(text)}, and the client does not`);
      return error.code;
    }
  },
};

const members: FuzzTarget = {
  name: 'server-members',
  covers: ['packages/server/src/options/members.ts'],
  valid: texts('1=127.0.0.1:7001,2=[::1]:7002,3=db.example:7003', 'localhost:1', '[::1]:65535', '65535=__proto__:0'),
  run: (input) => {
    const text = textOf(input);
    try {
      const address = parseAddress(text);
      must(
        formatAddress(parseAddress(formatAddress(address))) === formatAddress(address),
        'an address that is another one when it is read again',
      );
    } catch (error) {
      must(error instanceof Error && error.constructor === Error, 'an error that is none of its own');
    }
    try {
      return `members ${Math.min(4, parseMembers(text).size)}`;
    } catch (error) {
      // Its words become the problem of an OptionError.
      must(error instanceof Error && error.constructor === Error, 'an error that is none of its own');
      return 'refused';
    }
  },
};

const FOLDER = mkdtempSync(join(tmpdir(), 'zkl-fuzz-'));
process.once('exit', () => rmSync(FOLDER, { recursive: true, force: true }));

function load(file: string | undefined, environment: Record<string, string>): string {
  try {
    const { options } = loadOptions({ flags: new Map(), environment, file });
    must(Object.getPrototypeOf(options) === Object.prototype, 'options with another prototype');
    must(Object.getPrototypeOf(options.limits) === Object.prototype, 'limits with another prototype');
    return 'options';
  } catch (error) {
    return codeOf(error, OptionError);
  }
}

const optionsFile: FuzzTarget = {
  name: 'server-options-file',
  covers: [
    'packages/server/src/options/load-options.ts',
    'packages/server/src/options/resolve-options.ts',
    'packages/server/src/options/define-options.ts',
  ],
  valid: texts(
    'clusterId: orders\nmembers:\n  1: 127.0.0.1:7001\n  2: 127.0.0.1:7002\nlimits:\n  valueBytesMax: 1048576\n',
    '{"clusterId":"a","limits":{"__proto__":{"valueBytesMax":1}},"__proto__":{"port":1}}',
    'limits: 5\n',
    'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n',
    'timing: { tickMs: 25, constructor: 1 }\nlimits.valueBytesMax: 2000000\n',
    'members: ["1=a:1", "2=b:2"]\ninsecurePeers: true\n',
  ),
  inputBytesMax: 4_096,
  runs: 200,
  // The YAML reader is slow where aliases stand within aliases. The file is the operator's own.
  timeMsMax: 2_000,
  run: (input) => {
    const file = join(FOLDER, 'zkl.yaml');
    writeFileSync(file, input);
    return load(file, { ZKL_LIMITS_VALUE_BYTES_MAX: '2000000' });
  },
};

const VARIABLES = describeOptions().map(({ environment }) => environment);

const environment: FuzzTarget = {
  name: 'server-environment',
  covers: ['packages/server/src/options/load-options.ts', 'packages/server/src/options/describe-options.ts'],
  valid: fc
    .tuple(fc.nat(255), fc.constantFrom('1', 'true', '1_000', '1=127.0.0.1:7001', 'loopback,*', '__proto__', './data'))
    .map(([at, text]) => bytesOfText(`${String.fromCharCode(at % 100)}${text}`)),
  run: (input) =>
    load(undefined, { [VARIABLES[(input[0] ?? 0) % VARIABLES.length]!]: textOf(input.subarray(1)), __proto__: 'x' }),
};

const USAGE = { version: '1.2.3', colors: false } as const;

const commandLine: FuzzTarget = {
  name: 'cli-line',
  covers: ['commands/program', 'shell/split-words', 'commands/option-parsers'].map(
    (file) => `packages/cli/src/${file}.ts`,
  ),
  valid: texts(
    'get /a --consistency local',
    "set /a 'x y' --if-version 3",
    'watch / --scope subtree --data',
    'txn create /a ; delete /b',
    'cluster start --size 3',
    '__proto__ constructor',
    'create /a --ttl 1.5s',
    'help toString',
    'read --at-least 0x1 --json',
  ),
  inputBytesMax: 4_096,
  timeMsMax: 300,
  runs: 250,
  run: (input) => {
    const { words, open } = splitWords(textOf(input));
    for (const { text } of words)
      must(
        splitWords(quoteWord(text)).words[0]?.text === text || text.includes('\\') || text.includes("'"),
        `${JSON.stringify(text)} is quoted wrong`,
      );
    if (open !== undefined) return `open ${open}`;
    try {
      const parsed = parseInvocation(
        commandTable,
        words.map(({ text }) => text),
        { ...USAGE, where: input.length % 2 === 0 ? 'shell' : 'oneShot' },
      );
      return 'printed' in parsed ? 'printed' : `${parsed.spec === undefined ? 'none' : 'command'}`;
    } catch (error) {
      return codeOf(error, UsageError);
    }
  },
};

const SINK = new Proxy({}, { get: () => () => undefined });

const transaction: FuzzTarget = {
  name: 'cli-transaction',
  covers: ['commands/transaction/transaction-text', 'commands/transaction/statement'].map(
    (file) => `packages/cli/src/${file}.ts`,
  ),
  valid: texts(
    'create /a x -e\nset /b y --if-version 3\nelse\nget /c',
    'compare version /a = 3\ncheck /a 2',
    'compare value /a != "x y"\ndelete /a -R',
    '__proto__ /a\nconstructor',
    'create /a --ttl 10s -s',
    'check-absent /toString',
  ),
  run: (input) => {
    const text = textOf(input);
    try {
      for (const line of readLines(text.split('\n'))) line.tell(SINK as never);
      for (const line of readArguments(text.split(/[ \n]/))) line.tell(SINK as never);
      return 'transaction';
    } catch (error) {
      return codeOf(error, UsageError);
    }
  },
};

const VALUES: readonly ((text: string) => unknown)[] = [
  parsers.consistency,
  parsers.zxid,
  parsers.sessionTimeout,
  parsers.endpoints,
  parsers.serverId,
  parsers.integerIn('n', -1, 5),
];

const values: FuzzTarget = {
  name: 'cli-values',
  covers: ['packages/cli/src/commands/option-parsers.ts'],
  valid: fc
    .tuple(
      fc.nat(VALUES.length - 1),
      fc.constantFrom('local', '0x100000002', '1:2', '1.5s', '10m', 'a:1,b:2', '3', '-1'),
    )
    .map(([at, text]) => bytesOfText(`${String.fromCharCode(at)}${text}`)),
  run: (input) => {
    try {
      return typeof VALUES[(input[0] ?? 0) % VALUES.length]!(textOf(input.subarray(1)));
    } catch (error) {
      return codeOf(error, UsageError);
    }
  },
};

const files: FuzzTarget = {
  name: 'cli-files',
  covers: [
    'cluster/cluster-file',
    'cluster/server-log',
    'cluster/process-identity',
    'cluster/cluster-lock',
    'shell/history-file',
  ].map((file) => `packages/cli/src/${file}.ts`),
  valid: texts(
    JSON.stringify({
      format: 1,
      clusterId: 'a',
      createdAt: '2026-01-01T00:00:00.000Z',
      configFile: null,
      members: [{ id: 1, host: 'h', port: 1, dataFolder: 'd', logFile: 'l', process: null }],
    }),
    '{"level":30,"event":"serving","msg":"x"}',
    '{"level":"constructor","event":1,"__proto__":{"msg":"x"}}',
    `123 (a b) c) S ${'1 '.repeat(20)}`,
    '[]',
    'null',
  ),
  inputBytesMax: 8_192,
  runs: 250,
  timeMsMax: 300,
  run: async (input) => {
    const text = textOf(input);
    const line = parseLogLine(text);
    must(line.level === undefined || typeof line.level === 'number', `a level that is no number: ${typeof line.level}`);
    parseLinuxStat(text, 'boot');
    writeFileSync(join(FOLDER, CLUSTER_FILE), input);
    const lines = await loadHistory(join(FOLDER, CLUSTER_FILE));
    must(lines.length <= 1_000, 'more history than is kept');
    try {
      return `members ${(await readClusterFile(FOLDER))?.members.length}`;
    } catch (error) {
      return codeOf(error, ClusterError);
    }
  },
};

const cors: FuzzTarget = {
  name: 'server-origin',
  covers: ['packages/server/src/http/cors.ts'],
  valid: texts(
    'http://localhost:3000',
    'https://example.org',
    'null',
    'http://[::1]:1',
    'http://127.0.0.1.example.org',
    'file://',
  ),
  run: (input) => {
    const origin = textOf(input);
    const answered: number[] = [];
    const response = {
      writeHead: (status: number) => void answered.push(status),
      end: () => undefined,
      setHeader: () => undefined,
    };
    const verdict = handleCors(['loopback'], { headers: { origin }, method: 'POST' } as never, response as never);
    // Said another way: what the URL parser takes for one of this machine's names.
    const { hostname: host, protocol } = URL.canParse(origin) ? new URL(origin) : { hostname: '', protocol: '' };
    const isOurs =
      /^https?:$/.test(protocol) && (host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host));
    must((verdict === 'pass') === isOurs, `the origin ${JSON.stringify(origin)} is judged wrong`);
    return verdict;
  },
};

/** What people and programs write: connection strings, options, command lines, files. */
export const textTargets: readonly FuzzTarget[] = [
  connectionString,
  clientPath,
  members,
  optionsFile,
  environment,
  commandLine,
  transaction,
  values,
  files,
  cors,
];
