import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ASK_TIMEOUT_MS, type Place, type ServerKind } from './system.js';

/** What runs ZooKeeper, and programs on its client. */
export interface JavaHome {
  readonly java: string;
  readonly classPath: string;
}

/**
 * ZooKeeper with the settings of its packaged example and the JVM's defaults, as Debian's package starts it. Only the bound of 60 connections an
 * address is lifted, which the rows with more clients would meet, and nothing is logged.
 */
export function zookeeperServers({ java, classPath }: JavaHome): ServerKind {
  return {
    system: 'zookeeper',
    portsEach: 3,
    endpoint: ({ ports }) => `127.0.0.1:${ports[0]}`,
    async prepare(place, all) {
      const data = join(place.folder, 'data');
      await mkdir(data, { recursive: true });
      await writeFile(join(data, 'myid'), `${place.id}\n`);
      const config = join(place.folder, 'zoo.cfg');
      await writeFile(config, configOf(place, all, data));
      const quiet = ['-Dzookeeper.admin.enableServer=false', '-Dzookeeper.4lw.commands.whitelist=srvr'];
      const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
      return { command: java, args: ['-cp', classPath, ...quiet, main, config] };
    },
    async role({ ports }) {
      const mode = /^Mode: (\w+)$/m.exec(await fourLetters('srvr', ports[0] ?? 0))?.[1];
      return mode === 'leader' ? 'leading' : mode === 'follower' ? 'following' : undefined;
    },
  };
}

function configOf(place: Place, all: readonly Place[], data: string): string {
  const servers = all.map(({ id, ports }) => `server.${id}=127.0.0.1:${ports[1]}:${ports[2]}`);
  return [
    'tickTime=2000',
    'initLimit=10',
    'syncLimit=5',
    'maxClientCnxns=0',
    `dataDir=${data}`,
    'clientPortAddress=127.0.0.1',
    `clientPort=${place.ports[0]}`,
    ...servers,
    '',
  ].join('\n');
}

/** ZooKeeper's commands of four letters: the answer, or nothing when nobody answers. */
function fourLetters(word: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(word));
    socket.setTimeout(ASK_TIMEOUT_MS, () => socket.destroy());
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (answer += text));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
