import { askHttp, metricIn, type Place, type ServerKind } from './system.js';

/** zkl's own server, as built from the sources, with its defaults. @param program - A JavaScript file. @param extra - More flags, for rows that say so. */
export function zklServers(program: string, extra: readonly string[] = []): ServerKind {
  const endpoint = ({ ports }: Place): string => `127.0.0.1:${ports[0]}`;
  const started = new Set<string>();
  return {
    system: 'zkl',
    portsEach: 1,
    endpoint,
    async prepare(place, all) {
      const isNew = !started.has(place.folder);
      started.add(place.folder);
      const members = all.map((each) => `${each.id}=${endpoint(each)}`).join(',');
      const flags = ['--server-id', String(place.id), '--members', members, '--data-folder', place.folder];
      const first = isNew ? ['--initial-cluster-state', 'always'] : [];
      return { command: process.execPath, args: [program, ...flags, ...first, '--log-level', 'warn', ...extra] };
    },
    async role(place) {
      const text = await askHttp(`http://${endpoint(place)}/metrics`);
      if (metricIn(text, 'zkl_serving') !== 1) return undefined;
      return metricIn(text, 'zkl_leading') === 1 ? 'leading' : 'following';
    },
  };
}
