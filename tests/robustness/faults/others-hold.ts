import type { Scene } from './fault.js';
import { until } from './until.js';

/**
 * Waits until each server but one has applied all that was acknowledged. What destroys data waits for that: the design survives the loss of one copy
 * of what the others hold, and nothing survives the loss of a majority's.
 */
export async function othersHoldAll({ cluster, trial }: Scene, id: number): Promise<void> {
  const { acknowledged } = trial;
  await until(`the servers but ${id} to hold everything`, 30_000, async () => {
    const others = (await cluster.status()).filter((member) => member.id !== id);
    const isHeld = others.every(({ status }) => status?.serving === true && Number(status.appliedZxid) >= acknowledged);
    return isHeld ? true : undefined;
  });
}
