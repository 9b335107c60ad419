import { expect, it } from 'vitest';
import { Envelopes } from './envelopes.js';

function envelope(flags: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(payload.byteLength, 1);
  return Buffer.concat([head, payload]);
}

it('finds the same messages wherever the bytes are cut', () => {
  const texts = ['', 'a', 'x'.repeat(300), 'end'];
  const bytes = Buffer.concat(texts.map((text, index) => envelope(index === 3 ? 2 : 0, text)));
  for (let size = 1; size <= bytes.byteLength; size += 1) {
    const envelopes = new Envelopes(1_000);
    const found: [number, string][] = [];
    for (let at = 0; at < bytes.byteLength; at += size) {
      const chunk = bytes.subarray(at, at + size);
      envelopes.read(chunk, (flags, payload) => found.push([flags, Buffer.from(payload).toString()]));
    }
    expect(found).toEqual(texts.map((text, index) => [index === 3 ? 2 : 0, text]));
  }
});

it('refuses a message that is too large by its length alone', () => {
  const head = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
  expect(new Envelopes(1_000).read(head, () => undefined).failed).toContain('larger than 1000 bytes');
});
