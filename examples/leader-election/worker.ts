import { once } from 'node:events';
import { createClient, isZklError } from '@zkl/client-sdk';
import { fencedSet } from '@zkl/client-sdk/recipes/fencing';
import { leaderTerms } from '@zkl/client-sdk/recipes/leader-election';

/** A worker of the pool, a process: it waits until it leads, and then does the tasks in their order, from the first that is not done. */
const [corner = '', name = ''] = process.argv.slice(2);
await using client = createClient({ endpoints: (process.env.ZKL_ENDPOINTS ?? '').split(',') });

for await (const term of leaderTerms(client, `${corner}/leader`, { data: name, sessionTimeoutMs: 1_000 })) {
  await tell(`${name} leads`);
  while (!term.signal.aborted) {
    const task = Number((await client.get(`${corner}/done`)).text()) + 1;
    try {
      // Refused if somebody has led since: two leaders never do the same task.
      await fencedSet(client, `${corner}/done`, String(task), term.token);
    } catch (error) {
      if (isZklError(error, 'BAD_VERSION')) break;
      throw error;
    }
    await tell(`${name} does task ${task}`);
  }
}

/** Tells it to the parent, and waits until that says to go on. */
async function tell(message: string): Promise<void> {
  const goOn = once(process, 'message');
  process.send?.(message);
  await goOn;
}
