import { fromBinary } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { ErrorDetailSchema, type ErrorDetail } from '@zkl/protocol';
import type { UnaryResult } from './channel.js';

type Refused = Extract<UnaryResult<never>, { kind: 'refused' }>;

/** Details looked at in one error, at most: ours is the only one, or nearly. */
const DETAILS_MAX = 16;

/**
 * Reads the body of a failed unary call of the Connect protocol: JSON with a code, a message and typed details.
 *
 * @returns Undefined when it is not such a body.
 */
export function parseErrorBody(body: Uint8Array): Refused | undefined {
  return toRefused(parseJson(body));
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function toRefused(json: unknown): Refused | undefined {
  if (!isRecord(json) || typeof json['code'] !== 'string') return undefined;
  const message = typeof json['message'] === 'string' ? json['message'] : '';
  return { kind: 'refused', code: json['code'], message, detail: findDetail(json['details']) };
}

function findDetail(details: unknown): ErrorDetail | undefined {
  if (!Array.isArray(details)) return undefined;
  for (const detail of details.slice(0, DETAILS_MAX) as unknown[]) {
    if (!isRecord(detail) || detail['type'] !== ErrorDetailSchema.typeName) continue;
    if (typeof detail['value'] !== 'string') return undefined;
    try {
      return fromBinary(ErrorDetailSchema, base64Decode(detail['value']));
    } catch {
      return undefined;
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
