import { expect, it } from 'vitest';
import { Deadlines } from './deadlines.js';
import { Operation, OperationList } from './operation.js';

function operation(timeoutMs = 1_000): Operation {
  const nothing = (): void => undefined;
  const made = new Operation({ kind: 'control', operation: { kind: 'sync' } }, undefined, 0, nothing, nothing, nothing);
  made.timeoutMs = timeoutMs;
  return made;
}

it('a list keeps its order while any is taken out, and another is put before it', () => {
  const [a, b, c, d] = [operation(), operation(), operation(), operation()];
  const list = new OperationList();
  const before = new OperationList();
  for (const each of [a, b, c]) list.append(each);
  list.remove(b);
  before.append(d);
  before.append(b);
  list.prependAll(before);
  expect([...list]).toEqual([d, b, a, c]);
  expect([...before]).toEqual([]);
  for (const each of [...list]) list.remove(each);
  expect([list.first, list.last]).toEqual([undefined, undefined]);
});

it('deadlines come in their order, whatever was added when, and not for what was taken out', async () => {
  const due: Operation[] = [];
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((onDue) => (resolve = onDue));
  const [late, early, gone] = [operation(60), operation(20), operation(30)];
  const deadlines = new Deadlines((each) => {
    due.push(each);
    expect(performance.now()).toBeGreaterThanOrEqual(each.deadlineAtMs);
    if (due.length === 2) resolve();
  });
  const nowMs = performance.now();
  for (const each of [late, early, gone]) deadlines.add(each, nowMs);
  deadlines.remove(gone);
  deadlines.remove(gone);
  await promise;
  expect(due).toEqual([early, late]);
  deadlines.close();
});
