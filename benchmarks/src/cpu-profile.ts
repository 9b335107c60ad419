import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** One line of a summary: what, and which part of the time that the process was busy. */
export interface Cost {
  readonly name: string;
  readonly part: number;
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

type Frame = CpuProfile['nodes'][number]['callFrame'];

/** Waits for a profile that is being written, and reads it. @throws Error when it is not there in time. */
export async function readCpuProfile(path: string, timeoutMs: number): Promise<CpuProfile> {
  const deadline = performance.now() + timeoutMs;
  while (!existsSync(path)) {
    if (performance.now() > deadline) throw new Error(`no profile came to ${path} within ${timeoutMs} ms`);
    await delay(50);
  }
  return JSON.parse(await readFile(path, 'utf8')) as CpuProfile;
}

/** The largest costs by a name that frames share, idle time left out. Self time: what a function does itself, without those it calls. */
export function largestCosts(profile: CpuProfile, nameOf: (frame: Frame) => string, count: number): Cost[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || frame.functionName === '(idle)') continue;
    const delta = profile.timeDeltas[index] ?? 0;
    busy += delta;
    const name = nameOf(frame);
    times.set(name, (times.get(name) ?? 0) + delta);
  }
  return [...times]
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([name, time]) => ({ name, part: time / busy }));
}

/** A function, with its file. */
export function functionNameOf({ functionName, url, lineNumber }: Frame): string {
  const file = shortFile(url);
  return `${functionName === '' ? '(anonymous)' : functionName}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`;
}

/** The part of the program that a function belongs to: a package of the workspace, a dependency, a module of Node, or the engine itself. */
export function partNameOf({ functionName, url }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const workspace = /\/packages\/([^/]+)\/(?:src|dist)\/([^/]+)(?=\/)?/.exec(url);
  if (workspace !== null) return `${workspace[1]}/${workspace[2]}`;
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (dependency !== null) return dependency[1] ?? url;
  return url.startsWith('node:') ? url.split('/').slice(0, 3).join('/') : url;
}

function shortFile(url: string): string {
  return url.replace(/^.*\/node_modules\//, '').replace(/^.*\/packages\//, '');
}
