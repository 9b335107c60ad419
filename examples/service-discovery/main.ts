import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createClient, type Mirror } from '@zkl/client-sdk';
import { openCluster } from './cluster.js';

await using cluster = await openCluster();
await using client = createClient({ endpoints: cluster.endpoints });
const { path: corner } = await client.create('/service-discovery-', null, { sequential: true });

/** A copy of the list, kept up to date by itself: looking something up costs no call. */
await using list = await client.mirror(corner);

const names = ['web-1', 'web-2', 'web-3'];
const instances = new Map(names.map((name) => [name, start(name)]));
process.once('exit', () => instances.forEach((instance) => instance.kill('SIGKILL')));
await untilThere(list, names);

const address = list.get(`${corner}/web-2`)?.text();
console.log(`web-2 answers: ${(await (await fetch(`http://${address}`)).text()).trim()}`);

console.log('web-1 is asked to end: it closes its session, and is gone at once');
instances.get('web-1')?.kill('SIGTERM');
await untilThere(list, ['web-2', 'web-3']);

console.log('web-2 is killed: it is gone when its session of one second has expired');
instances.get('web-2')?.kill('SIGKILL');
await untilThere(list, ['web-3']);

instances.get('web-3')?.kill('SIGTERM');
await untilThere(list, []);
await client.delete(corner);

function start(name: string): ChildProcess {
  const program = fileURLToPath(new URL('instance.ts', import.meta.url));
  const environment = { ...process.env, ZKL_ENDPOINTS: cluster.endpoints.join(',') };
  const words = [...process.execArgv, program, corner, name];
  return spawn(process.execPath, words, { env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Resolves once exactly these are in the list. */
async function untilThere(mirror: Mirror, wanted: readonly string[]): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (mirror.children(corner).join() !== wanted.join()) return;
      stop();
      resolve();
    };
    const stop = mirror.onChange(look);
    look();
  });
  console.log(`in the list: ${wanted.join(', ') || 'nobody'}`);
}
