const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes as text; undefined when they are not UTF-8. */
export function asText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes of a value that are shown at most, when they are no text. */
const HEX_BYTES_MAX = 64;

/**
 * A value for people: text in double quotes, with what a terminal would obey (control characters, and marks that change the direction of
 * writing) written as escapes; else its bytes in hexadecimal. A missing value is `null`.
 */
export function showValue(bytes: Uint8Array | null | undefined): string {
  if (!bytes) return 'null';
  const text = asText(bytes);
  if (text !== undefined) return `"${escapeControls(text.replace(/["\\]/g, '\\$&'))}"`;
  const hex = Buffer.from(bytes.subarray(0, HEX_BYTES_MAX)).toString('hex');
  return `${bytes.length} bytes 0x${hex}${bytes.length > HEX_BYTES_MAX ? '...' : ''}`;
}

/** The same for a name or path, which stands without quotes. */
export function showName(name: string): string {
  return escapeControls(name);
}

/** A value for programs: `value` when it is text (null when there is none), else `valueBase64`. */
export function jsonValue(bytes: Uint8Array | null | undefined): { value: string | null } | { valueBase64: string } {
  if (!bytes) return { value: null };
  const text = asText(bytes);
  return text === undefined ? { valueBase64: Buffer.from(bytes).toString('base64') } : { value: text };
}

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
    (character) => short[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
