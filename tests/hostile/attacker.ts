/** The process that attacks: its work must not slow down the clocks of the one that measures. */
import { attacks } from './attacks.js';

/** What it is told, and what it answers with when the time is over. */
export interface AttackOrder {
  readonly name: string;
  readonly port: number;
  readonly ms: number;
  readonly scale: number;
}

process.on('message', ({ name, port, ms, scale }: AttackOrder) => {
  const attack = attacks[name];
  const end = new AbortController();
  setTimeout(() => end.abort(), ms);
  void attack?.(port, end.signal, scale).then((count) => process.send?.({ count }));
});
process.on('uncaughtException', () => undefined);
process.on('disconnect', () => process.exit());
process.send?.('ready');
