import { createClient, type Session } from '@zkl/client-sdk';
import { runOnce } from '@zkl/client-sdk/recipes/run-once';
import { openCluster } from './cluster.js';

await using cluster = await openCluster();
await using client = createClient({ endpoints: cluster.endpoints });
const { path } = await client.create('/exactly-once-cron-', null, { sequential: true });

/** Three machines have the same line in their cron, so each report is asked for three times. */
const machines = ['machine-1', 'machine-2', 'machine-3'];
const sessions = await Promise.all(machines.map(() => client.session()));
const slots = ['monday', 'tuesday', 'wednesday'];
let made = 0;
const broken = new Error('the printer is broken');
let isPrinterBroken = true;

for (const slot of slots) {
  const asked = machines.map((machine, index) => report(machine, sessions[index]!, slot));
  const outcomes = await Promise.all(asked);
  console.log(`${slot}: ${outcomes.filter((ran) => ran).length} of ${machines.length} made it`);
}
console.log(`reports: ${made}`);

await Promise.all(sessions.map((session) => session.close()));
await client.deleteRecursive(path);

/** What cron starts. Says whether this machine made the report. */
async function report(machine: string, session: Session, slot: string): Promise<boolean> {
  try {
    const { ran } = await runOnce(session, 'report', slot, () => make(machine, slot), { path });
    return ran;
  } catch (error) {
    if (error !== broken) throw error;
    return false;
  }
}

/** The job itself. The first one on Tuesday does not succeed. */
async function make(machine: string, slot: string): Promise<void> {
  if (slot === 'tuesday' && isPrinterBroken) {
    isPrinterBroken = false;
    console.log(`${slot}: ${machine} fails: ${broken.message}`);
    throw broken;
  }
  made += 1;
  console.log(`${slot}: ${machine} makes the report`);
}
