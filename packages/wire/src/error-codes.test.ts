import { expect, it } from 'vitest';
import { ERROR_CODES, ERROR_CODE_NAMES } from './error-codes.js';

/** The lines of semantics.md. */
const numbers = {
  NO_NODE: -101,
  NODE_EXISTS: -110,
  BAD_VERSION: -103,
  NOT_EMPTY: -111,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NO_AUTH: -102,
  INVALID_ACL: -114,
  BAD_ARGUMENTS: -8,
  SESSION_EXPIRED: -112,
  SESSION_MOVED: -118,
  AUTH_FAILED: -115,
  QUOTA_EXCEEDED: -125,
  THROTTLED: -127,
  UNIMPLEMENTED: -6,
  SYSTEM_ERROR: -1,
  RUNTIME_INCONSISTENCY: -2,
  DATA_INCONSISTENCY: -3,
  CONNECTION_LOSS: -4,
  MARSHALLING_ERROR: -5,
  OPERATION_TIMEOUT: -7,
  NEW_CONFIG_NO_QUORUM: -13,
  RECONFIG_IN_PROGRESS: -14,
  INVALID_CALLBACK: -113,
  NOT_READ_ONLY: -119,
  EPHEMERAL_ON_LOCAL_SESSION: -120,
  NO_WATCHER: -121,
  REQUEST_TIMEOUT: -122,
  RECONFIG_DISABLED: -123,
} as const;

it("carries ZooKeeper's numbers", () => {
  for (const [name, number] of Object.entries(numbers)) {
    expect(ERROR_CODES[name as keyof typeof numbers].number, name).toBe(number);
  }
});

it('gives no number twice, and a hint of one sentence to each', () => {
  const used = ERROR_CODE_NAMES.map((name) => ERROR_CODES[name].number).filter((number) => number !== 0);
  expect(new Set(used).size).toBe(used.length);
  for (const name of ERROR_CODE_NAMES) expect(ERROR_CODES[name].hint, name).toMatch(/^[A-Z].*[^.]\.$/);
});

it('says of what the state machine refuses for want of room that it can be tried again, and was not applied', () => {
  for (const name of ['TOO_MANY_CLIENTS', 'TOO_MANY_REQUESTS'] as const) {
    expect(ERROR_CODES[name]).toMatchObject({ retryable: true, outcome: 'rejected' });
  }
  expect(ERROR_CODES.CLIENT_FORGOTTEN).toMatchObject({ retryable: false, outcome: 'unknown' });
});
