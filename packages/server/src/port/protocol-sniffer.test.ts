import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classifyFirstBytes, PEER_MAGIC } from './protocol-sniffer.js';

describe('classifyFirstBytes', () => {
  const known: [string, Buffer][] = [
    ['peer', PEER_MAGIC],
    ['http2', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['http1', Buffer.from('GET / HTTP/1.1\r\n')],
    ['http1', Buffer.from('POST /zkl HTTP/1.1\r\n')],
    ['http1', Buffer.from('OPTIONS * HTTP/1.1\r\n')],
  ];

  it.each(known)('finds %s, and asks for more while it may still be another', (protocol, bytes) => {
    const found = Array.from({ length: bytes.length + 1 }, (_, length) =>
      classifyFirstBytes(bytes.subarray(0, length)),
    );
    expect(found.at(-1)).toBe(protocol);
    expect(found.filter((kind) => kind !== 'more')).toEqual(found.slice(found.indexOf(protocol as 'peer')));
  });

  it('never asks for more than the longest signature', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 40 }), (bytes) => {
        expect(classifyFirstBytes(bytes)).not.toBe('more');
      }),
    );
  });
});
