import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createClient } from '@zkl/client-sdk';
import { ServiceDirectory } from '@zkl/client-sdk/recipes/service-discovery';
import { openCluster } from './cluster.js';

await using cluster = await openCluster();
await using client = createClient({ endpoints: cluster.endpoints });
const { path: corner } = await client.create('/service-discovery-', null, { sequential: true });

/** The instances of one service, kept up to date by themselves: looking one up costs no call. */
await using web = await new ServiceDirectory<{ readonly url: string }>(client, corner).follow('web');

const names = ['web-1', 'web-2', 'web-3'];
const instances = new Map(names.map((name) => [name, start(name)]));
process.once('exit', () => instances.forEach((instance) => instance.kill('SIGKILL')));
await untilThere(names);

const picked = web.pickRandom()?.value.url ?? '';
console.log(`one of them answers: ${(await (await fetch(picked)).text()).trim()}`);

console.log('web-1 is asked to end: it closes its session, and is gone at once');
instances.get('web-1')?.kill('SIGTERM');
await untilThere(['web-2', 'web-3']);

console.log('web-2 is killed: it is gone when its session of one second has expired');
instances.get('web-2')?.kill('SIGKILL');
await untilThere(['web-3']);

instances.get('web-3')?.kill('SIGTERM');
await untilThere([]);
await client.deleteRecursive(corner);

function start(name: string): ChildProcess {
  const program = fileURLToPath(new URL('instance.ts', import.meta.url));
  const environment = { ...process.env, ZKL_ENDPOINTS: cluster.endpoints.join(',') };
  const words = [...process.execArgv, program, corner, name];
  return spawn(process.execPath, words, { env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Resolves once exactly these are in the list. */
async function untilThere(wanted: readonly string[]): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = (): void => {
      const there = web.instances().map(({ id }) => id);
      if (there.join() !== wanted.join()) return;
      stop();
      resolve();
    };
    const stop = web.onChange(look);
    look();
  });
  console.log(`in the list: ${wanted.join(', ') || 'nobody'}`);
}
