import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createClient } from '@zkl/client-sdk';
import { openCluster } from './cluster.js';

await using cluster = await openCluster();
await using client = createClient({ endpoints: cluster.endpoints });
const { path: corner } = await client.create('/leader-election-', null, { sequential: true });
await client.create(`${corner}/done`, '0');

/** Where whoever leads is heard; what is said while nobody listens is kept. */
const stage = new EventEmitter();
const told = on(stage, 'told');

/** A pool of three processes. */
const pool = ['worker-1', 'worker-2', 'worker-3'].map((name) => start(name));
process.once('exit', () => pool.forEach((worker) => worker.kill('SIGKILL')));

for (const lastTask of [2, 4, 6]) {
  const leader = await follow(lastTask);
  console.log('the leader is killed');
  leader.kill('SIGKILL');
  await once(leader, 'exit');
}
console.log(`the pool is dead; tasks done: ${(await client.get(`${corner}/done`)).text()}`);
await client.deleteRecursive(corner);

/** Prints what the leader says, until it has done this task. */
async function follow(lastTask: number): Promise<ChildProcess> {
  for (;;) {
    const [message, worker] = (await told.next()).value as [string, ChildProcess];
    console.log(message);
    if (message.endsWith(` task ${lastTask}`)) return worker;
    worker.send('go on');
  }
}

function start(name: string): ChildProcess {
  const program = fileURLToPath(new URL('worker.ts', import.meta.url));
  const environment = { ...process.env, ZKL_ENDPOINTS: cluster.endpoints.join() };
  const worker = fork(program, [corner, name], { env: environment });
  return worker.on('message', (message) => stage.emit('told', message, worker));
}
