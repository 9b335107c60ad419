import { describe, expect, it } from 'vitest';
import type { ServerOptionsInput } from './define-options.js';
import { OptionError } from './option-error.js';
import { printableOptions, resolveOptions } from './resolve-options.js';

const THREE = '1=127.0.0.1:7001,2=127.0.0.1:7002,3=127.0.0.1:7003';
const REMOTE = '1=db1.example:7001,2=db2.example:7001,3=db3.example:7001';

function problemsOf(input: ServerOptionsInput): string {
  try {
    resolveOptions(input);
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
  throw new Error('nothing was found to be wrong');
}

describe('resolveOptions', () => {
  it('makes a cluster of one on loopback out of nothing', () => {
    const options = resolveOptions({});
    expect(options).toMatchObject({ serverId: 1, clusterId: 'zkl', host: '127.0.0.1', port: 7001 });
    expect([...options.members]).toEqual([[1, { host: '127.0.0.1', port: 7001 }]]);
    expect(options.limits.valueBytesMax).toBe(1_048_576);
    expect(options.timing.electionTimeoutMs).toBe(500);
  });

  it('listens where the members say that it is, unless it is told otherwise', () => {
    expect(resolveOptions({ serverId: 2, members: THREE })).toMatchObject({ host: '127.0.0.1', port: 7002 });
    expect(resolveOptions({ serverId: 2, members: THREE, port: 9000 })).toMatchObject({
      host: '127.0.0.1',
      port: 9000,
    });
  });

  it('takes members as a text, an object, a Map or a list', () => {
    const expected = [...resolveOptions({ members: THREE }).members];
    const object = { 1: '127.0.0.1:7001', 2: '127.0.0.1:7002', 3: '127.0.0.1:7003' };
    for (const members of [
      object,
      new Map(Object.entries(object).map(([id, at]) => [Number(id), at])),
      THREE.split(','),
    ]) {
      expect([...resolveOptions({ members }).members]).toEqual(expected);
    }
  });

  it.each([
    ['1=a:1,1=b:2', /server 1 is named twice/],
    ['1=a:1,2=a:1', /servers 1 and 2 have the same address a:1/],
    ['0=a:1', /"0" is no server id/],
    ['65536=a:1', /"65536" is no server id/],
    ['1=a', /"a" is no address/],
    ['1=a:65536', /"a:65536" is no address/],
    ['1=::1:7001', /IPv6 in brackets/],
    ['a:1', /not of the form id=host:port/],
  ])('refuses the members %s', (members, expected) => {
    const message = problemsOf({ members, peerSecret: '0123456789abcdef' });
    expect(message).toMatch(expected);
    expect(message).toMatch(/^members = /);
    expect(message).toContain('allowed: 1=host:port');
  });

  it('refuses an id that the members do not name', () => {
    expect(problemsOf({ serverId: 4, members: THREE })).toMatch(
      /^serverId = 4: server 4 is not in members, which names 1, 2, 3/,
    );
  });

  it('demands a secret as soon as a member is off loopback, and takes insecurePeers for an answer', () => {
    expect(problemsOf({ members: REMOTE })).toMatch(/^peerSecret: members off loopback \(db1\.example:7001, /);
    expect(problemsOf({ members: THREE, host: '0.0.0.0' })).toMatch(/^peerSecret: .*0\.0\.0\.0/);
    expect(resolveOptions({ members: REMOTE, peerSecret: '0123456789abcdef' }).peerSecret).toBe('0123456789abcdef');
    expect(resolveOptions({ members: REMOTE, insecurePeers: true }).peerSecret).toBeUndefined();
    expect(resolveOptions({ members: THREE }).peerSecret).toBeUndefined();
    expect(resolveOptions({ host: '0.0.0.0' }).peerSecret).toBeUndefined();
  });

  it('never shows a secret', () => {
    const short = problemsOf({ peerSecret: 'too short' });
    expect(short).toMatch(/^peerSecret = \(secret\): .*16 \.\. 1,024 characters/);
    const printable = JSON.stringify(printableOptions(resolveOptions({ peerSecret: 'correct horse battery staple' })));
    expect(printable).toContain('(secret)');
    expect(printable).not.toContain('horse');
  });

  it('takes the port 0 for a cluster of one only', () => {
    expect(resolveOptions({ port: 0 }).port).toBe(0);
    expect(problemsOf({ members: THREE, port: 0 })).toMatch(
      /^port = 0: the port 0 \(any free one\) is for a cluster of one/,
    );
  });

  it('names key, value, range and origin of what is out of range, all at once', () => {
    const origins = new Map([['limits.valueBytesMax', '--limits-value-bytes-max']]);
    const input = { limits: { valueBytesMax: -5 }, logLevel: 'loud' as never };
    expect(() => resolveOptions(input, origins)).toThrowError(
      /limits\.valueBytesMax = -5 \(from --limits-value-bytes-max\): .*allowed: a whole number, 1 \.\. 16,777,216/,
    );
    expect(problemsOf(input)).toMatch(/logLevel = "loud".*silent, fatal, error, warn, info, debug/);
  });

  it('refuses options that it does not know, in a group too', () => {
    const unknown = { portt: 1, limits: { vlaueBytesMax: 1 } } as ServerOptionsInput;
    expect(problemsOf(unknown).split('\n').sort()).toEqual([
      'limits.vlaueBytesMax: there is no such option',
      'portt: there is no such option',
    ]);
  });

  it('refuses an election timeout that a heartbeat cannot keep away', () => {
    expect(problemsOf({ timing: { electionTimeoutMs: 150 } })).toMatch(
      /timing\.electionTimeoutMs = 150: it must be at least twice/,
    );
  });
});
