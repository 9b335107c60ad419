import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** One line of a summary: what, and which part of the time that the process was busy. */
export interface Cost {
  readonly name: string;
  readonly part: number;
}

/** Where the time of a function is spent. */
export interface Frame {
  readonly functionName: string;
  readonly url: string;
  /** Counted from 0. */
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** What the engine's profiler writes. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: Frame; readonly children?: readonly number[] }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

/** Waits for a profile that is being written, and reads it. @throws Error when it is not there in time. */
export async function readCpuProfile(path: string, timeoutMs: number): Promise<CpuProfile> {
  const deadline = performance.now() + timeoutMs;
  while (!existsSync(path)) {
    if (performance.now() > deadline) throw new Error(`no profile came to ${path} within ${timeoutMs} ms`);
    await delay(50);
  }
  return JSON.parse(await readFile(path, 'utf8')) as CpuProfile;
}

/** The same profile with the places in the sources of a program that was bundled with its map. */
export async function toSources(profile: CpuProfile, program: string): Promise<CpuProfile> {
  const text = await readFile(program, 'utf8');
  const encoded = /\/\/# sourceMappingURL=data:application\/json;[^,]*base64,(\S+)\s*$/.exec(text)?.[1];
  if (encoded === undefined) return profile;
  const map = new SourceMap(JSON.parse(Buffer.from(encoded, 'base64').toString()) as SourceMapPayload);
  const inSources = (frame: Frame): Frame => {
    if (!frame.url.endsWith(program)) return frame;
    const entry = map.findEntry(frame.lineNumber, frame.columnNumber);
    if (!('originalSource' in entry)) return frame;
    return { ...frame, url: resolve(dirname(program), entry.originalSource), lineNumber: entry.originalLine };
  };
  return { ...profile, nodes: profile.nodes.map((node) => ({ ...node, callFrame: inSources(node.callFrame) })) };
}

/** The time that each node was on top of the stack, in microseconds; without idle time, and without the profiler's own (`dispatch`, where it begins and ends). */
export function selfTimes(profile: CpuProfile): Map<number, number> {
  const idle = new Set(
    profile.nodes
      .filter(({ callFrame: { functionName, url } }) => url === '' && ['(idle)', 'dispatch'].includes(functionName))
      .map(({ id }) => id),
  );
  const times = new Map<number, number>();
  for (const [index, id] of profile.samples.entries()) {
    if (!idle.has(id)) times.set(id, (times.get(id) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  return times;
}

/** The largest costs by a name that frames share. Self time: what a function does itself, without those it calls. */
export function largestCosts(profile: CpuProfile, nameOf: (frame: Frame) => string, count: number): Cost[] {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [id, time] of selfTimes(profile)) {
    const frame = frames.get(id);
    if (frame === undefined) continue;
    busy += time;
    const name = nameOf(frame);
    times.set(name, (times.get(name) ?? 0) + time);
  }
  return [...times]
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([name, time]) => ({ name, part: time / busy }));
}

/** Which part of the time the process was busy. */
export function busyPart(profile: CpuProfile): number {
  const all = profile.timeDeltas.reduce((sum, time) => sum + time, 0);
  return [...selfTimes(profile).values()].reduce((sum, time) => sum + time, 0) / all;
}

/** A function, with its file. */
export function functionNameOf({ functionName, url, lineNumber }: Frame): string {
  const file = shortFile(url);
  return `${functionName === '' ? '(anonymous)' : functionName}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`;
}

/** The part of the program that a function belongs to: a package of the workspace, a dependency, a module of Node, or the engine itself. */
export function partNameOf({ functionName, url }: Frame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const workspace = /\/(?:packages\/)?([^/]+)\/(?:src|dist)\/([^/]+)(?=\/)?/.exec(url);
  if (workspace !== null) return `${workspace[1]}/${workspace[2]}`;
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (dependency !== null) return dependency[1] ?? url;
  return url.startsWith('node:') ? url.split('/').slice(0, 3).join('/') : url;
}

function shortFile(url: string): string {
  return url.replace(/^.*\/node_modules\//, '').replace(/^.*\/(?:packages|benchmarks)\//, '');
}
