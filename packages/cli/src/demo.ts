import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@zkl/client-sdk';
import { startProcessCluster } from './cluster/start-process-cluster.js';
import { Narrator } from './demo/narrator.js';
import * as story from './demo/story.js';
import { EXIT_OK, explainError, formatExplanation } from './output/explain-error.js';
import { createStyle, type Style, wantsColors } from './output/style.js';

/**
 * The whole story, unattended: five server processes, an election, writes, guesses and reads, the tree, the death of the leader under load,
 * its return. Each step is checked; the program ends with 0 only if all held.
 */
async function tell(narrator: Narrator, style: Style, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'zkl-demo-'));
  try {
    narrator.step('Five servers', 'Five processes on this machine, each with its own log on disk and one port.');
    await using cluster = await startProcessCluster({ size: 5, folder, signal });
    await using client = createClient({ endpoints: cluster.endpoints });
    narrator.check('all five are up and serve', true);
    const scene = { cluster, client, narrator, style, signal };
    await story.showElection(scene);
    const writtenAt = await story.writeGuessRead(scene);
    await story.useTree(scene);
    const killed = await story.killUnderLoad(scene);
    await story.checkValue(scene, writtenAt);
    await story.bringBack(scene, killed);
    await story.compareStates(scene);
    narrator.step('The end', 'The servers are stopped in good order.');
    const stopped = await cluster.stop();
    narrator.check('all five have ended', stopped.length === 5, stopped.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const style = createStyle(wantsColors({ isTTY: process.stdout.isTTY, environment: process.env }));
  const narrator = new Narrator(style, (text) => process.stdout.write(text));
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => abort.abort(new DOMException('interrupted', 'AbortError')));
  }
  // Even a defect must not leave servers behind: the story ends, and its clean-up runs.
  process.once('uncaughtException', (error) => abort.abort(error));
  const began = performance.now();
  try {
    await tell(narrator, style, abort.signal);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`\n${style.good('All is well')}: ${narrator.checks} checks held, in ${seconds} s.\n`);
    return EXIT_OK;
  } catch (error) {
    const explanation = explainError(error, false);
    process.stderr.write(`\n${formatExplanation(explanation, style)}\n`);
    return explanation.exitCode;
  }
}

process.exitCode = await main();
