import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Block, Message } from '@zkl/consensus';
import { TestCluster, until } from './test-cluster.js';

/**
 * How fast appends of 100 writes of 300 bytes go from one process to another and are acknowledged, at most 256 under way at a time.
 * `node --import tsx -C @zkl/source packages/server/src/peer/append.bench.ts [seconds]`
 */
const WINDOW = 256;
const PAYLOAD_BYTES = 100 * 304;
const ZERO = { epoch: 0, counter: 0 };

function blockAt(index: number): Block {
  const firstCounter = index * 100 + 1;
  return {
    epoch: 1,
    leader: 1,
    firstCounter,
    count: 100,
    prevEpoch: index === 0 ? 0 : 1,
    prevCounter: index * 100,
    committedEpoch: 0,
    committedCounter: 0,
    timeMs: 1_700_000_000_000,
    payload: new Uint8Array(PAYLOAD_BYTES).fill(index % 256),
    record: undefined,
  };
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Acknowledges every append; answers a read with its CPU time so far, in microseconds. */
async function receive(ownPort: number, peerPort: number): Promise<void> {
  const cluster = new TestCluster();
  const { transport } = await cluster.add(2, { port: ownPort });
  cluster.members.set(1, { host: '127.0.0.1', port: peerPort });
  await transport.start({
    onMessage: (from, message) => {
      if (message.kind === 'append') {
        const last = message.blocks.at(-1);
        transport.send(from, {
          kind: 'ack',
          attempt: message.attempt,
          zxid: { epoch: 1, counter: last?.firstCounter ?? 0 },
        });
      } else if (message.kind === 'readRequest') {
        const { user, system } = process.cpuUsage();
        transport.send(from, { kind: 'readReply', attempt: 1, request: user + system, zxid: ZERO });
      }
    },
    onPeerUp: () => undefined,
    onPeerLost: () => process.exit(0),
    onSnapshot: () => Promise.resolve(),
  });
}

async function send(seconds: number): Promise<void> {
  const cluster = await TestCluster.open([1, 2]);
  const { transport, port } = cluster.get(1);
  const ownPort = cluster.get(2).port.address.port;
  await cluster.get(2).port.close({ graceMs: 0 });
  const child = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), 'receive', String(ownPort), String(port.address.port)],
    {
      stdio: 'inherit',
    },
  );
  let acknowledged = 0;
  let childMicros = 0;
  await transport.start({
    onMessage: (_from, message) => {
      if (message.kind === 'ack') acknowledged += 1;
      else if (message.kind === 'readReply') childMicros = message.request;
    },
    onPeerUp: () => undefined,
    onPeerLost: () => undefined,
    onSnapshot: () => Promise.resolve(),
  });
  await until(() => transport.isConnected(2));
  // As the leader's turns do: whatever the window allows, then give way to the sockets.
  const run = async (runSeconds: number): Promise<number> => {
    const before = acknowledged;
    let sent = acknowledged;
    const endMs = performance.now() + runSeconds * 1_000;
    while (performance.now() < endMs) {
      while (sent - acknowledged < WINDOW) {
        const message: Message = { kind: 'append', attempt: 1, blocks: [blockAt(sent)], committed: ZERO };
        transport.send(2, message);
        sent += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => acknowledged === sent);
    return acknowledged - before;
  };
  const askCpu = async (): Promise<number> => {
    childMicros = 0;
    transport.send(2, { kind: 'readRequest', attempt: 1, request: 1 });
    await until(() => childMicros > 0);
    return childMicros;
  };
  await run(1);
  const [ownBefore, childBefore] = [process.cpuUsage(), await askCpu()];
  const beganMs = performance.now();
  const frames = await run(seconds);
  const tookSeconds = (performance.now() - beganMs) / 1_000;
  const own = process.cpuUsage(ownBefore);
  const senderMicros = (own.user + own.system) / frames;
  const receiverMicros = ((await askCpu()) - childBefore) / frames;
  say(
    `${Math.round(frames / tookSeconds)} appends/s of 100 writes, ${Math.round((frames * PAYLOAD_BYTES) / tookSeconds / 1e6)} MB/s`,
  );
  say(
    `CPU an append: sender ${senderMicros.toFixed(1)} us (making block and checksum included), receiver ${receiverMicros.toFixed(1)} us`,
  );
  say(`round trip ${transport.roundTripMs(2)?.toFixed(2)} ms`);
  child.kill();
  await cluster.close();
}

const [mode = '3', ownPort, peerPort] = process.argv.slice(2);
if (mode === 'receive') await receive(Number(ownPort), Number(peerPort));
else await send(Number(mode));
