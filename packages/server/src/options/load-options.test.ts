import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeOptions } from './describe-options.js';
import { loadOptions } from './load-options.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zkl-options-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const none = { flags: new Map<string, string | boolean>(), environment: {}, file: undefined };

describe('loadOptions', () => {
  it('tells variables that are misspelt', () => {
    const environment = { ZKL_PROT: '7002', ZKL_PORT: '0', ZKL_ENDPOINTS: 'a:1', ZKL: '1', PATH: '/bin' };
    expect(loadOptions({ ...none, environment }).unknownVariables).toEqual(['ZKL_PROT']);
  });

  it('prefers flags to the environment, that to the file, and that to the default', () => {
    const file = fileOf(
      'a.yaml',
      'port: 1\nclusterId: file\ndataFolder: file\nlimits:\n  valueBytesMax: 1000\n  blockBytesMax: 8192\n',
    );
    const { options, origins } = loadOptions({
      flags: new Map([['port', '3']]),
      environment: { ZKL_PORT: '2', ZKL_CLUSTER_ID: 'environment', ZKL_LIMITS_VALUE_BYTES_MAX: '2_000' },
      file,
    });
    expect(options).toMatchObject({ port: 3, clusterId: 'environment', dataFolder: 'file', serverId: 1 });
    expect(options.limits).toMatchObject({ valueBytesMax: 2000, blockBytesMax: 8192 });
    expect(Object.fromEntries(origins)).toEqual({
      port: '--port',
      clusterId: 'ZKL_CLUSTER_ID',
      dataFolder: file,
      'limits.valueBytesMax': 'ZKL_LIMITS_VALUE_BYTES_MAX',
      'limits.blockBytesMax': file,
    });
  });

  it.each([
    ['an alias of nothing', 'a: *b\n', 'Unresolved alias'],
    [
      'an alias of aliases',
      'a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c]\n',
      'alias',
    ],
    ['a number for a group', 'limits: 5\n', 'limits'],
    ['a group with a prototype', 'limits: { "__proto__": { valueBytesMax: 1 } }\n', '__proto__'],
    ['a prototype', '"__proto__": { port: 1 }\n', '__proto__'],
  ])('names what is wrong with a file that holds %s', (name, content, problem) => {
    const file = fileOf(`${name.replaceAll(' ', '-')}.yaml`, content);
    const environment = { ZKL_LIMITS_VALUE_BYTES_MAX: '2000' };
    expect(() => loadOptions({ ...none, environment, file })).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringContaining(problem) as string }),
    );
  });

  it('reads every option from a flag and from the environment alike', () => {
    const samples: Record<string, string> = {
      members: '1=127.0.0.1:7001',
      peerSecret: '0123456789abcdef',
      host: '::1',
    };
    for (const option of describeOptions()) {
      const sample =
        samples[option.key] ??
        (option.kind === 'integer' ? option.fallback.replace(/\D.*/, '') || '5' : option.fallback);
      const fromFlag = loadOptions({ ...none, flags: new Map([[option.key, sample]]) });
      const fromVariable = loadOptions({ ...none, environment: { [option.environment]: sample } });
      expect(fromVariable.options, option.key).toEqual(fromFlag.options);
      expect([...fromFlag.origins], option.key).toEqual([[option.key, option.flag]]);
    }
  });

  it('reads JSON and YAML, and the file that ZKL_CONFIG names', () => {
    const json = fileOf('b.json', '{"members": {"1": "127.0.0.1:7001", "2": "127.0.0.1:7002"}, "serverId": 2}');
    expect(loadOptions({ ...none, file: json }).options).toMatchObject({ serverId: 2, port: 7002 });
    expect(loadOptions({ ...none, environment: { ZKL_CONFIG: json } }).options.serverId).toBe(2);
  });

  it.each([
    ['members.json', '{"members": {"1": "a:1", "1": "b:2"}}', /Map keys must be unique/],
    ['members.yaml', 'members:\n  1: a:1\n  1: b:2\n', /Map keys must be unique/],
    ['broken.yaml', 'port: [1, 2', /is neither YAML nor JSON/],
    ['list.yaml', '- 1\n- 2\n', /does not hold a map of options/],
    ['unknown.yaml', 'prot: 1\n', /prot \(from .*unknown\.yaml\): there is no such option/],
    ['group.yaml', 'limits:\n  prot: 1\n', /limits\.prot \(from .*group\.yaml\): there is no such option/],
    ['limits.yaml', 'limits: 7\n', /limits = 7/],
    [
      'type.yaml',
      'port: "7001"\n',
      /port = "7001" \(from .*type\.yaml\): not allowed; allowed: a whole number, 0 \.\. 65,535/,
    ],
    ['proto.json', '{"__proto__": {"port": 1}}', /__proto__.*there is no such option/],
  ])('says what is wrong with %s', (name, content, expected) => {
    expect(() => loadOptions({ ...none, file: fileOf(name, content) })).toThrowError(expected);
  });

  it('says that a file cannot be read', () => {
    expect(() => loadOptions({ ...none, file: join(folder, 'absent') })).toThrowError(
      /config = .*absent: cannot be read: ENOENT/,
    );
  });

  it('names the flag or the variable that a value came from', () => {
    expect(() => loadOptions({ ...none, flags: new Map([['port', 'http']]) })).toThrowError(
      /^port = "http" \(from --port\)/,
    );
    expect(() => loadOptions({ ...none, environment: { ZKL_METRICS: 'yes' } })).toThrowError(
      /^metrics = "yes" \(from ZKL_METRICS\).*true or false/,
    );
  });
});
