/** Rules on the text of single files. */
import { pureFolders } from '../layers.mjs';
import { findLines, isCode, isGenerated, isTest, isTestHelper, type Finding, type SourceFile } from './repository.js';

const linesMax = 400;

/** Words are put together here, so that this file does not report itself. */
const anyOf = (...words: string[]): string => `(?:${words.join('|')})`;

const unfinished = new RegExp(`\\b${anyOf('TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK')}\\b`);
const narrowed = new RegExp(
  `\\b${anyOf('it', 'test', 'describe', 'suite')}\\.${anyOf('on' + 'ly', 'sk' + 'ip', 'to' + 'do')}\\b`,
);
const machinePath = new RegExp(`(?<![\\w.~@-])/${anyOf('wo' + 'rk', 'ro' + 'ot', 'fa' + 'rm', 'Us' + 'ers')}/`);
const registryHost = new RegExp(`\\bregistry\\.${anyOf('npm', 'yarn')}\\w*\\.\\w+`);
const impure = /\bDate\.now\b|\bMath\.random\b|\bnew Date\b|\bperformance\.now\b|\bcrypto\.\w/;

export function isPure(path: string): boolean {
  return pureFolders.some((folder) => path.startsWith(`${folder}/`)) && !isTest(path) && !isTestHelper(path);
}

/** Work left for later belongs to the issues, not to the code. */
function noUnfinishedWork(file: SourceFile): Finding[] {
  return isCode(file.path) || file.path.endsWith('.proto') ? findLines(file, unfinished, 'unfinished work') : [];
}

function noNarrowedTests(file: SourceFile): Finding[] {
  return isCode(file.path) ? findLines(file, narrowed, 'a test that does not run, or keeps others from it') : [];
}

/** A longer file says in its header, its first fifteen lines, why it is "over 400 lines". */
function noLongFiles(file: SourceFile): Finding[] {
  const lines = file.text.split('\n').length - 1;
  if (!isCode(file.path) || lines <= linesMax) return [];
  const header = file.text.split('\n').slice(0, 15).join('\n');
  if (new RegExp(`over ${linesMax} lines`, 'i').test(header)) return [];
  return [
    { path: file.path, message: `${lines} lines: split it, or say in its header why it is over ${linesMax} lines` },
  ];
}

/** Tools that read a configuration ask for its default export. */
function noDefaultExports(file: SourceFile): Finding[] {
  if (!isCode(file.path) || /\.config\.[jt]s$/.test(file.path)) return [];
  return findLines(file, /^export default\b|^export \{[^}]*\bas default\b/, 'a default export: export by name');
}

function noMachinePaths(file: SourceFile): Finding[] {
  if (isGenerated(file.path)) return [];
  return [
    ...findLines(file, machinePath, 'a path of one machine'),
    ...findLines(file, registryHost, 'the name of a package registry'),
  ];
}

/** Time and randomness are inputs of pure code. */
function noImpureCalls(file: SourceFile): Finding[] {
  return isPure(file.path) ? findLines(file, impure, 'pure code is given time and randomness as inputs') : [];
}

export const textRules = [
  noUnfinishedWork,
  noNarrowedTests,
  noLongFiles,
  noDefaultExports,
  noMachinePaths,
  noImpureCalls,
];
