import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient, isZklError } from '@zkl/client-sdk';
import { TokenGuard } from '@zkl/client-sdk/recipes/fencing';
import { Lock } from '@zkl/client-sdk/recipes/lock';
import { openCluster } from './cluster.js';
import type { FromWorker } from './messages.js';

await using cluster = await openCluster();
await using client = createClient({ endpoints: cluster.endpoints });
const { path: corner } = await client.create('/distributed-lock-', null, { sequential: true });

await takeTurns();
await standStill();
await client.deleteRecursive(corner);

/** Three workers read a number, think, and write it back: only because they take turns is nothing lost. */
async function takeTurns(): Promise<void> {
  let number = 0;
  const work = async (): Promise<void> => {
    await using session = await client.session();
    const lock = new Lock(session, `${corner}/number`);
    for (let time = 0; time < 10; time += 1) {
      await using _held = await lock.acquire();
      const read = number;
      await turn();
      number = read + 1;
    }
  };
  await Promise.all([work(), work(), work()]);
  console.log(`three workers added one ten times each: ${number}`);
}

/** A holder that stands still loses the lock, and cannot know it. What it writes is refused by what it writes to. */
async function standStill(): Promise<void> {
  const ledger: string[] = [];
  const guard = new TokenGuard();
  const write = (name: string, token: string): string => {
    try {
      guard.admit(BigInt(token));
      ledger.push(name);
      return 'accepted';
    } catch (error) {
      if (isZklError(error, 'BAD_VERSION')) return 'refused, its token is out of date';
      throw error;
    }
  };

  const anna = start();
  await told(anna, 'holding');
  console.log('anna holds the lock, and stands still (SIGSTOP)');
  anna.kill('SIGSTOP');

  const ben = start();
  await told(ben, 'holding');
  console.log("ben holds the lock: anna's session of one second has expired");
  ben.send('write');
  console.log(`ben writes: ${write('ben', (await told(ben, 'write')).token)}`);

  anna.kill('SIGCONT');
  anna.send('write');
  const late = await told(anna, 'write');
  console.log(`anna goes on (SIGCONT): her signal ${late.isLost ? 'has fired' : 'has not fired'}`);
  console.log(`anna writes all the same: ${write('anna', late.token)}`);
  console.log(`in the ledger: ${ledger.join(', ')}`);
  await Promise.all([anna, ben].map(end));
}

function start(): ChildProcess {
  const program = fileURLToPath(new URL('worker.ts', import.meta.url));
  const worker = fork(program, [`${corner}/ledger`], {
    env: { ...process.env, ZKL_ENDPOINTS: cluster.endpoints.join() },
  });
  process.once('exit', () => worker.kill('SIGKILL'));
  return worker;
}

/** The next message of a worker, which is of this kind. */
async function told<K extends FromWorker['kind']>(worker: ChildProcess, kind: K) {
  const [message] = (await once(worker, 'message')) as [FromWorker];
  if (message.kind !== kind) throw new Error(`${message.kind} came, and not ${kind}`);
  return message as Extract<FromWorker, { kind: K }>;
}

async function end(worker: ChildProcess): Promise<void> {
  const ended = once(worker, 'exit');
  worker.send('end');
  await ended;
}
