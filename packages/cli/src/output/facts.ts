import type { JsonObject } from './output.js';
import type { Style } from './style.js';
import { counterOf, epochOf, formatZxid, hexZxid } from './zxid.js';

/** What every answer tells beside itself, as far as it is known: it is what the service teaches. */
export interface Facts {
  /** Of a write: where it stands in the order of all writes. Of a read: up to where the server that answered had applied. */
  readonly zxid?: bigint | undefined;
  readonly version?: number | undefined;
  /** 0 or undefined: none known. */
  readonly leader?: number | undefined;
  /** The server that answered. */
  readonly server?: number | undefined;
  readonly consistency?: string | undefined;
  readonly elapsedMs: number;
}

/** One line for people: `version 3 · zxid 0x100000002 (1:2) · leader 2 · answered by server 2 · 1.3 ms`. */
export function formatFacts(facts: Facts, style: Style): string {
  const parts: string[] = [];
  const add = (label: string, value: string | number | undefined): void => {
    if (value !== undefined) parts.push(`${style.quiet(label)} ${value}`);
  };
  add('version', facts.version);
  add('zxid', facts.zxid === undefined ? undefined : formatZxid(facts.zxid));
  add('leader', facts.leader || undefined);
  add('answered by server', facts.server);
  if (facts.consistency !== undefined) parts.push(style.quiet(facts.consistency));
  parts.push(style.quiet(`${facts.elapsedMs.toFixed(1)} ms`));
  return parts.join(style.quiet(' · '));
}

/** The same for programs. */
export function jsonFacts(facts: Facts): JsonObject {
  const { zxid } = facts;
  return {
    version: facts.version,
    ...(zxid === undefined ? {} : { zxid: hexZxid(zxid), epoch: epochOf(zxid), counter: counterOf(zxid) }),
    leader: facts.leader || undefined,
    server: facts.server,
    consistency: facts.consistency,
    elapsedMs: Math.round(facts.elapsedMs * 1000) / 1000,
  };
}
