import { CLOCK_FAULTS } from './clock-faults.js';
import { DISK_FAULTS } from './disk-faults.js';
import { FAULT_KINDS, type Fault, type FaultKind } from './fault.js';
import { NETWORK_FAULTS } from './network-faults.js';
import { PROCESS_FAULTS } from './process-faults.js';

export const ALL_FAULTS: readonly Fault[] = [...NETWORK_FAULTS, ...DISK_FAULTS, ...CLOCK_FAULTS, ...PROCESS_FAULTS];

/**
 * The faults that a list names, by kind or by name: `network,disk`, `kill-leader`.
 *
 * @throws RangeError that tells what there is.
 */
export function faultsNamed(list: string): Fault[] {
  return list.split(',').flatMap((name) => {
    const kind = FAULT_KINDS.find((candidate): candidate is FaultKind => candidate === name);
    const found = ALL_FAULTS.filter((fault) => fault.name === name || fault.kind === kind);
    if (found.length > 0) return found;
    const names = ALL_FAULTS.map((fault) => fault.name).join(', ');
    throw new RangeError(`--faults has ${name}: there are the kinds ${FAULT_KINDS.join(', ')}, and ${names}`);
  });
}
