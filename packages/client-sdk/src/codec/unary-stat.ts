import type * as proto from '@zkl/protocol';
import type { Stat } from '@zkl/wire';
import { GarbledReply } from '../calls/operation.js';
import { toZxid } from './zxid.js';

/** The stat of a message, as the stream's replies have it. @throws {@link GarbledReply} when there is none. */
export function toWireStat(stat: proto.Stat | undefined): Stat {
  if (stat === undefined) throw new GarbledReply('The reply has no stat');
  return {
    czxid: toZxid(stat.czxid),
    mzxid: toZxid(stat.mzxid),
    pzxid: toZxid(stat.pzxid),
    ctimeMs: Number(stat.ctime),
    mtimeMs: Number(stat.mtime),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: toZxid(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  };
}
