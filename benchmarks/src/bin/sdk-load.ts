/**
 * The load generator on zkl's own SDK, with the same arguments and answers as the peers' (`benchmarks/foreign`): key=value in, JSON out, one
 * object a line. It ends when it is done, or when its standard input ends.
 */
import { SdkClients } from '../sdk-load/clients.js';
import { runFill } from '../sdk-load/fill.js';
import { runFlow } from '../sdk-load/flow.js';
import { runIdle } from '../sdk-load/idle.js';
import { runLoad } from '../sdk-load/load.js';
import { parseArguments, untilInputEnds } from '../sdk-load/protocol.js';
import { runWatch } from '../sdk-load/watch.js';

const modes = { load: runLoad, fill: runFill, flow: runFlow, watch: runWatch, idle: runIdle };

const given = parseArguments(process.argv.slice(2));
const mode = given.text('mode', 'load');
if (!(mode in modes)) throw new Error(`unknown mode "${mode}"`);
untilInputEnds(() => process.exit(0));
await modes[mode as keyof typeof modes](given, new SdkClients(given));
// Whoever started this process looks at what it used, and then ends it.
await new Promise(() => undefined);
