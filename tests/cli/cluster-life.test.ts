import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder, zkl } from './run-zkl.js';

/**
 * One story, told in one-shot commands against three real processes: start, use, kill the leader, bring it back, stop, start again, destroy. Each
 * command is a process of its own, so nothing but the cluster file and the servers carries over.
 */
test('the life of a local cluster', { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder();
  const at = ['--folder', folder.path];

  const started = await zkl(['cluster', 'start', '--size', '3', '--json', ...at]);
  expect(started.stderr).toBe('');
  expect(started.code).toBe(0);
  const servers = started.json();
  expect(servers.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(servers.filter(({ role }) => role === 'leading')).toHaveLength(1);
  expect(servers.every(({ serving, pid }) => serving === true && typeof pid === 'number')).toBe(true);

  const again = await zkl(['cluster', 'start', ...at]);
  expect([again.code, again.stdout]).toEqual([1, '']);
  expect(again.stderr).toMatch(/CLUSTER_RUNNING.*\n.*to do .*zkl cluster stop/);

  const written = await zkl(['write', '42', '--json', ...at]);
  expect(written.json()).toEqual([
    expect.objectContaining({
      ok: true,
      command: 'write',
      value: '42',
      version: 1,
      epoch: 1,
      zxid: expect.stringMatching(/^0x1[0-9a-f]{8}$/) as string,
    }),
  ]);
  const leader = servers.find(({ role }) => role === 'leading')?.id;
  expect(written.json()[0]?.leader).toBe(leader);

  const killed = await zkl(['cluster', 'kill-leader', '--json', ...at]);
  expect(killed.code).toBe(0);
  const events = killed.json();
  expect(events.map(({ event }) => event)).toEqual(['killed', 'connectionLost', 'elected', 'firstWrite']);
  expect(events[0]).toMatchObject({ server: leader, epoch: 1 });
  expect(events[2]?.server).not.toBe(leader);
  expect(events[3]?.epoch).toBe(events[2]?.epoch);
  const times = events.map(({ atMs }) => atMs as number);
  expect(times[1]).toBeLessThanOrEqual(times[2]!);
  expect(times[2]).toBeLessThanOrEqual(times[3]!);

  const status = await zkl(['cluster', 'status', '--json', ...at]);
  expect(status.code).toBe(0);
  expect(status.json().find(({ id }) => id === leader)).toMatchObject({ role: 'down', serving: false });
  expect(status.json().filter(({ serving }) => serving)).toHaveLength(2);

  const read = await zkl(['read', '--json', ...at]);
  expect(read.json()).toEqual([
    expect.objectContaining({ value: '42', version: 1, writtenAt: written.json()[0]?.zxid }),
  ]);
  expect((await zkl(['write', '43', ...at])).code).toBe(0);

  const back = await zkl(['cluster', 'restart', String(leader), '--json', ...at]);
  expect(back.json()).toEqual([
    expect.objectContaining({ ok: true, server: leader, role: 'following', serving: true, epoch: events[2]?.epoch }),
  ]);
  const local = await zkl(['read', '--server', String(leader), '--consistency', 'local', '--json', ...at]);
  expect(local.json()).toEqual([expect.objectContaining({ value: '43', server: leader, consistency: 'local' })]);
  const table = await zkl(['cluster', 'status', ...at]);
  expect(table.stdout).toMatch(/leading/);
  expect(table.stdout).not.toContain('\u001b');

  const logs = await zkl(['cluster', 'logs', String(leader), '--lines', '5', ...at]);
  expect(logs.json()).toHaveLength(5);

  const stopped = await zkl(['cluster', 'stop', '--json', ...at]);
  expect(stopped.json()).toEqual([expect.objectContaining({ ok: true, stopped: [1, 2, 3] })]);
  const after = await zkl(['read', '--timeout', '800', ...at]);
  expect(after.code).toBe(1);
  expect(after.stderr).toMatch(/^CONNECTION_LOSS /);

  const wrongSize = await zkl(['cluster', 'start', '--size', '5', ...at]);
  expect([wrongSize.code, wrongSize.stderr.includes('SIZE_MISMATCH')]).toEqual([1, true]);
  const second = await zkl(['cluster', 'start', '--json', ...at]);
  expect(second.code).toBe(0);
  expect(second.json().map(({ address }) => address)).toEqual(servers.map(({ address }) => address));
  expect((await zkl(['read', '--json', ...at])).json()).toEqual([expect.objectContaining({ value: '43', version: 2 })]);

  const destroyed = await zkl(['cluster', 'destroy', ...at]);
  expect(destroyed.code).toBe(0);
  expect(existsSync(folder.path)).toBe(false);
  expect((await zkl(['cluster', 'status', ...at])).stderr).toMatch(/^NO_CLUSTER /);
});

test('a port that is in use is named', { timeout: 120_000 }, async () => {
  await using folder = await temporaryFolder();
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  const { port } = occupant.address() as AddressInfo;
  const run = await zkl([
    'cluster',
    'start',
    '--size',
    '1',
    '--port-base',
    String(port),
    '--folder',
    folder.path,
    '--json',
  ]);
  occupant.close();
  expect(run.code).toBe(1);
  expect(run.json()).toEqual([
    {
      ok: false,
      command: 'cluster start',
      error: expect.objectContaining({
        code: 'PORT_IN_USE',
        message: expect.stringContaining(String(port)) as string,
      }) as unknown,
    },
  ]);
});

test(
  'a configuration that the servers refuse stops the start, with the reason, and leaves no process',
  { timeout: 120_000 },
  async () => {
    await using folder = await temporaryFolder();
    const config = `${folder.path}.yaml`;
    await writeFile(config, 'timing:\n  tickMs: 1000000\n');
    const run = await zkl(['cluster', 'start', '--size', '1', '--config', config, '--folder', folder.path]);
    expect(run.code).toBe(1);
    expect(run.stderr).toMatch(/SERVER_EXITED {2}server 1 ended with code 2: its configuration/);
    expect(run.stderr).toContain('tickMs');
    const file = JSON.parse(await readFile(join(folder.path, 'cluster.json'), 'utf8')) as {
      members: { process: unknown }[];
    };
    expect(file.members.map(({ process }) => process)).toEqual([null]);
  },
);

test('a cluster file that is none is refused with what to do', { timeout: 120_000 }, async () => {
  await using folder = await temporaryFolder();
  await using other = await temporaryFolder();
  await mkdir(folder.path, { recursive: true });
  await writeFile(join(folder.path, 'cluster.json'), '{"format":2}');
  for (const command of ['status', 'stop', 'start']) {
    const run = await zkl(['cluster', command, '--folder', folder.path]);
    expect([run.code, run.stderr.includes('CLUSTER_FILE_INVALID ')]).toEqual([1, true]);
  }
  expect((await zkl(['cluster', 'stop', '--folder', other.path])).stderr).toMatch(
    /^NO_CLUSTER .*\n.*zkl cluster start/,
  );
});
