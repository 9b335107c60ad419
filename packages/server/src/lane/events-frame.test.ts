import { create, toBinary } from '@bufbuild/protobuf';
import { AttachResponseSchema, ChangeType, WatchEventSchema } from '@zkl/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EventBatch } from '../watch/shared-events.js';
import { eventsToProto } from '../watch/watch-messages.js';
import { eventsFrame } from './events-frame.js';
import { frameOf } from './grpc-body.js';

const id = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 0xffff_ffff }));
const batch: fc.Arbitrary<EventBatch> = fc.record({
  zxid: fc.record({ epoch: fc.integer({ min: 0, max: 9 }), counter: fc.integer({ min: 1, max: 0xffff_ffff }) }),
  events: fc.array(
    fc
      .record({ path: fc.constantFrom('/', '/a', `/${'x'.repeat(300)}`), data: fc.uint8Array({ maxLength: 20_000 }) })
      .map((fields) => create(WatchEventSchema, { type: ChangeType.SET, ...fields })),
    { minLength: 1, maxLength: 3 },
  ),
  bytes: fc.constant(0),
});

it('makes the bytes that the schema makes, for whomever it is, one after another', () => {
  const idLists = fc.array(fc.array(id, { minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(batch, idLists, (events, lists) => {
      for (const ids of [...lists, ...lists]) {
        const message = create(AttachResponseSchema, { events: [eventsToProto(events, ids)] });
        expect(Buffer.compare(eventsFrame(events, ids), frameOf(toBinary(AttachResponseSchema, message)))).toBe(0);
      }
    }),
    { numRuns: 200 },
  );
});

it('is the same bytes for streams whose watches have the same ids', () => {
  const events: EventBatch = {
    zxid: { epoch: 1, counter: 1 },
    events: [create(WatchEventSchema, { type: ChangeType.SET, path: '/a' })],
    bytes: 0,
  };
  const first = eventsFrame(events, [1]);
  expect(eventsFrame(events, [1])).toBe(first);
  expect(eventsFrame(events, [2])).not.toBe(first);
});
