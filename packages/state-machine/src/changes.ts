import type { Zxid } from '@zkl/wire';

/** What one write did to one node: what watches are made from. */
export interface Change {
  readonly type: 'created' | 'set' | 'deleted';
  readonly path: string;
  readonly zxid: Zxid;
}
