import type { SystemName } from '../systems/system.js';
import type { MetricRule, Target } from './row.js';

/** Rules that many rows share. */
export const rate = (unit: string, target?: Target): MetricRule => ({
  metric: 'rate',
  label: unit,
  unit: '/s',
  better: 'higher',
  digits: 0,
  ...(target ? { target } : {}),
});

export const duration = (metric: 'p50' | 'p99' | 'p999' | 'max', target?: Target): MetricRule => ({
  metric,
  label: metric === 'p999' ? 'p99.9' : metric,
  unit: 'ms',
  better: 'lower',
  digits: 2,
  ...(target ? { target } : {}),
});

export const serverCpu = (target?: Target): MetricRule => ({
  metric: 'serverCpuUs',
  label: 'server CPU each',
  unit: 'µs',
  better: 'lower',
  digits: 1,
  ...(target ? { target } : {}),
});

export const leaderCpu: MetricRule = {
  metric: 'leaderCpuUs',
  label: 'leader CPU each',
  unit: 'µs',
  better: 'lower',
  digits: 1,
};

export const clientCpu: MetricRule = {
  metric: 'clientCpuUs',
  label: 'client CPU each',
  unit: 'µs',
  better: 'lower',
  digits: 1,
};

export const atLeast = (value: number): Target => ({ kind: 'ratioAtLeast', value });
export const ratioAtMost = (value: number, to?: SystemName): Target => ({
  kind: 'ratioAtMost',
  value,
  ...(to ? { to } : {}),
});
