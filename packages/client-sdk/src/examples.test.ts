import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';

const source = dirname(fileURLToPath(import.meta.url));
const root = join(source, '../../..');

/** Every example: of the exports' comments, the package's page, and the guide. */
async function findExamples(): Promise<ReadonlyMap<string, string>> {
  const files = (await readdir(source, { recursive: true })).filter((file) => /(?<!\.test)\.ts$/.test(file));
  const paths = [
    ...files.map((file) => join(source, file)),
    join(source, '../README.md'),
    join(root, 'docs/client.md'),
  ];
  const examples = new Map<string, string>();
  for (const path of paths) {
    const text = await readFile(path, 'utf8');
    for (const [, prefix = '', code = ''] of text.matchAll(/^( *\* )?```ts\n([\s\S]*?)^\1```/gm)) {
      const lines = code.split('\n').map((line) => line.slice(Math.min(prefix.length, line.length)));
      examples.set(join(source, `example-${examples.size}.ts`), [`// ${path}`, ...lines, 'export {};'].join('\n'));
    }
  }
  return examples;
}

it('examples compile', { timeout: 60_000 }, async () => {
  const examples = await findExamples();
  expect(examples.size).toBeGreaterThanOrEqual(5);
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, noUnusedLocals: false }, root);
  const host = ts.createCompilerHost(options);
  const disk = { ...host };
  host.fileExists = (path) => examples.has(path) || disk.fileExists(path);
  host.readFile = (path) => examples.get(path) ?? disk.readFile(path);
  host.getSourceFile = (path, target) => {
    const example = examples.get(path);
    return example === undefined ? disk.getSourceFile(path, target) : ts.createSourceFile(path, example, target);
  };
  const program = ts.createProgram([...examples.keys()], options, host);
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const where = file === undefined ? '' : file.text.split('\n', 1)[0];
    return `${where}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  expect(problems).toEqual([]);
});
