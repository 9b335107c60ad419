import { UsageError } from '../output/explain-error.js';

/** A whole number in `min .. max`. @throws UsageError */
export function integerIn(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new UsageError(`${name} must be a whole number from ${min} to ${max}, not "${text}"`, 'See `help`.');
  };
}

export const serverId = integerIn('a server id', 1, 65_535);

/** @throws UsageError */
export function consistency(text: string): 'linearizable' | 'local' {
  if (text === 'linearizable' || text === 'local') return text;
  throw new UsageError(
    `"${text}" is no consistency`,
    'Take linearizable (sees every acknowledged write; the default) or local (fast, may lag).',
  );
}

/** A zxid as this program prints it: `0x100000002`, or `1:2` (epoch:counter). @throws UsageError */
export function zxid(text: string): bigint {
  const pair = /^(\d{1,10}):(\d{1,10})$/.exec(text);
  if (pair) {
    const [epoch, counter] = [BigInt(pair[1] ?? 0), BigInt(pair[2] ?? 0)];
    if (epoch < 1n << 32n && counter < 1n << 32n) return (epoch << 32n) | counter;
  }
  if (/^0x[0-9a-f]{1,16}$/i.test(text)) return BigInt(text);
  throw new UsageError(`"${text}" is no zxid`, 'Write it as it is printed: 0x100000002, or 1:2 for epoch:counter.');
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A length of time in milliseconds, as people write it: `500ms`, `1.5s`, `10m`, `2h`, `7d`; at most `maxMs`. @throws UsageError */
export function duration(name: string, maxMs: number): (text: string) => number {
  return (text) => {
    const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
    const ms = number === undefined ? Number.NaN : Number(number) * (unitMs[unit] ?? Number.NaN);
    if (Number.isSafeInteger(ms) && ms >= 1 && ms <= maxMs) return ms;
    const hint = 'Write a number and its unit: 500ms, 10s, 5m, 2h, 7d.';
    throw new UsageError(`${name} must be a length of time from 1ms to ${maxMs}ms, not "${text}"`, hint);
  };
}

/** How long a session may be asked to outlive silence: what the client takes. The server grants less. */
export const sessionTimeout = duration('--session-timeout', 86_400_000);

/** `host:port,host:port`. The client checks each. @throws UsageError */
export function endpoints(text: string): string[] {
  const list = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (list.length > 0) return list;
  throw new UsageError('no endpoint is given', 'Write them as host:port,host:port.');
}
