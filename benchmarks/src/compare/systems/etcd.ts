import { askHttp, metricIn, type Place, type ServerKind } from './system.js';

/** etcd with its defaults; only the store's quota is raised, or it would refuse writes once 2 GB of history are there. */
export function etcdServers(program: string): ServerKind {
  const clientUrl = ({ ports }: Place): string => `http://127.0.0.1:${ports[0]}`;
  const peerUrl = ({ ports }: Place): string => `http://127.0.0.1:${ports[1]}`;
  return {
    system: 'etcd',
    portsEach: 2,
    endpoint: ({ ports }) => `127.0.0.1:${ports[0]}`,
    async prepare(place, all) {
      const cluster = all.map((each) => `s${each.id}=${peerUrl(each)}`).join(',');
      const flags = {
        name: `s${place.id}`,
        'data-dir': place.folder,
        'listen-client-urls': clientUrl(place),
        'advertise-client-urls': clientUrl(place),
        'listen-peer-urls': peerUrl(place),
        'initial-advertise-peer-urls': peerUrl(place),
        'initial-cluster': cluster,
        'quota-backend-bytes': String(16 * 1024 ** 3),
        'log-level': 'error',
        logger: 'zap',
      };
      return { command: program, args: Object.entries(flags).map(([name, value]) => `--${name}=${value}`) };
    },
    async role(place) {
      const text = await askHttp(`${clientUrl(place)}/metrics`);
      if (metricIn(text, 'etcd_server_has_leader') !== 1) return undefined;
      return metricIn(text, 'etcd_server_is_leader') === 1 ? 'leading' : 'following';
    },
  };
}
