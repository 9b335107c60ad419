/** The body of a reply grew beyond the bound. */
export class ReplyTooLarge extends Error {}

/** The request failed before the whole reply came; whether the server acted on it cannot be known here. */
export class FetchFailed extends Error {}

/**
 * `fetch` that reads the whole body, up to a bound, before it resolves: Connect's own transport reads without one.
 *
 * @param bytesMax - The largest body.
 */
export function boundedFetch(bytesMax: number): typeof globalThis.fetch {
  return async (input, init) => {
    let response: Response;
    let body: Uint8Array<ArrayBuffer>;
    try {
      response = await globalThis.fetch(input, init);
      body = await readBounded(response, bytesMax);
    } catch (error) {
      if (error instanceof ReplyTooLarge) throw error;
      throw new FetchFailed(error instanceof Error ? error.message : String(error), { cause: error });
    }
    // A body is not allowed with these.
    const empty = response.status === 204 || response.status === 205 || response.status === 304;
    return new Response(empty ? null : body, { status: response.status, headers: response.headers });
  };
}

async function readBounded(response: Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  if (response.body === null) return new Uint8Array(0);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let byteLength = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    byteLength += value.byteLength;
    if (byteLength > bytesMax) {
      // Not awaited: a hostile server decides when a cancellation ends.
      void reader.cancel().catch(() => undefined);
      throw new ReplyTooLarge(`The reply is larger than ${bytesMax} bytes`);
    }
    chunks.push(value);
  }
  return concat(chunks, byteLength);
}

function concat(chunks: readonly Uint8Array[], byteLength: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(byteLength);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
