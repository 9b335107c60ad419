import type { Stat } from '@zkl/client-sdk';
import type { JsonObject } from './output.js';
import { formatZxid, hexZxid } from './zxid.js';

/** `1 child`, `2 children`. */
export function countOf(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** What is known of a znode, in one line. */
export function briefStat(stat: Stat): string {
  const modified = new Date(stat.mtime).toISOString();
  const owner = stat.ephemeralOwner === 0n ? '' : ` · ephemeral, of session ${hexZxid(stat.ephemeralOwner)}`;
  return `${countOf(stat.dataLength, 'byte', 'bytes')} · ${countOf(stat.numChildren, 'child', 'children')} · written at zxid ${formatZxid(stat.mzxid)}, ${modified}${owner}`;
}

/** What stands behind a name in a list. */
export function listStat(stat: Stat): string {
  const owner = stat.ephemeralOwner === 0n ? '' : ' · ephemeral';
  return `version ${stat.version} · ${countOf(stat.dataLength, 'byte', 'bytes')} · ${countOf(stat.numChildren, 'child', 'children')} · mzxid ${formatZxid(stat.mzxid)}${owner}`;
}

/** For programs; 64-bit numbers as `0x...`. */
export function jsonStat(stat: Stat): JsonObject {
  const { czxid, mzxid, pzxid, ephemeralOwner, ...numbers } = stat;
  const hex = {
    czxid: hexZxid(czxid),
    mzxid: hexZxid(mzxid),
    pzxid: hexZxid(pzxid),
    ephemeralOwner: hexZxid(ephemeralOwner),
  };
  return { ...hex, ...numbers };
}

/** All eleven fields, a line each. */
export function fullStat(stat: Stat): string[] {
  const time = (ms: number): string => new Date(ms).toISOString();
  return [
    `czxid          ${formatZxid(stat.czxid)}   created ${time(stat.ctime)}`,
    `mzxid          ${formatZxid(stat.mzxid)}   data changed ${time(stat.mtime)}`,
    `pzxid          ${formatZxid(stat.pzxid)}   children changed`,
    `version        ${stat.version}`,
    `cversion       ${stat.cversion}`,
    `aversion       ${stat.aversion}`,
    `ephemeralOwner ${hexZxid(stat.ephemeralOwner)}`,
    `dataLength     ${stat.dataLength}`,
    `numChildren    ${stat.numChildren}`,
  ];
}
