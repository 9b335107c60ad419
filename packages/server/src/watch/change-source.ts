import type { ChangeHistory } from '@zkl/state-machine';

/** The part of the retained history that watches are told from. */
export type ChangeSource = Pick<ChangeHistory, 'floor' | 'first' | 'end' | 'positionAfter' | 'read'>;
