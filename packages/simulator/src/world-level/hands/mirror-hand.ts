import { isZklError } from '@zkl/client-sdk';
import { textOf } from '../chronicle.js';
import type { WorldClient } from '../world-client.js';

/** Keeps a mirror of everything, and shows it after each of its steps. */
export async function mirrorHand(client: WorldClient): Promise<void> {
  const path = client.random.pick(['/', '/q', '/e']);
  try {
    const mirror = await client.client.mirror(path, { signal: client.stopping.signal });
    const show = (zxid: bigint): void => {
      const znodes = new Map<string, string | null>();
      for (const node of mirror.nodes()) znodes.set(node.path, textOf(node.data));
      client.around.count('mirrored');
      client.around.onMirror(client, path, Number(zxid), znodes);
    };
    show(mirror.zxid);
    mirror.onChange(({ zxid }) => show(zxid));
    await new Promise((resolve) => mirror.signal.addEventListener('abort', resolve));
  } catch (error) {
    if (!client.stopping.signal.aborted && !isZklError(error)) throw error;
  }
}
