import { create } from '@bufbuild/protobuf';
import { StatSchema, type Stat as ProtoStat } from '@zkl/protocol';
import type { Stat } from '@zkl/state-machine';
import { zxidToBigint } from './zxid-codec.js';

/** A stat as the public API carries it. */
export function statToProto(stat: Stat): ProtoStat {
  return create(StatSchema, {
    czxid: zxidToBigint(stat.czxid),
    mzxid: zxidToBigint(stat.mzxid),
    ctime: BigInt(stat.ctimeMs),
    mtime: BigInt(stat.mtimeMs),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: zxidToBigint(stat.ephemeralOwner),
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
    pzxid: zxidToBigint(stat.pzxid),
  });
}
