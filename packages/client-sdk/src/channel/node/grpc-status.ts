import { fromBinary } from '@bufbuild/protobuf';
import { base64Decode, BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ErrorDetailSchema, type ErrorDetail } from '@zkl/protocol';
import type { IncomingHttpHeaders } from 'node:http2';
import type { UnaryResult } from '../channel.js';

type Refused = Extract<UnaryResult<never>, { kind: 'refused' }>;

/** gRPC's status codes by number, as Connect names them. */
const CODES = [
  'ok',
  'canceled',
  'unknown',
  'invalid_argument',
  'deadline_exceeded',
  'not_found',
  'already_exists',
  'permission_denied',
  'resource_exhausted',
  'failed_precondition',
  'aborted',
  'out_of_range',
  'unimplemented',
  'internal',
  'unavailable',
  'data_loss',
  'unauthenticated',
];

const DETAIL_TYPE = `/${ErrorDetailSchema.typeName}`;
/** Of a google.rpc.Status the details, of a google.protobuf.Any the type and the value. */
const STATUS_DETAILS = 3;
const ANY_TYPE = 1;
const ANY_VALUE = 2;

/** How a gRPC call ended: well, with an error, or, undefined, without saying. `from`: its trailers, or its headers when those are all there is. */
export function readGrpcStatus(from: IncomingHttpHeaders): 'ok' | Refused | undefined {
  const status = from['grpc-status'];
  if (typeof status !== 'string' || !/^\d{1,3}$/.test(status)) return undefined;
  if (Number(status) === 0) return 'ok';
  return {
    kind: 'refused',
    code: CODES[Number(status)] ?? 'unknown',
    message: decodeMessage(from['grpc-message']),
    detail: decodeDetail(from['grpc-status-details-bin']),
  };
}

function decodeMessage(message: unknown): string {
  if (typeof message !== 'string') return '';
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function decodeDetail(status: unknown): ErrorDetail | undefined {
  if (typeof status !== 'string') return undefined;
  try {
    return detailIn(base64Decode(status));
  } catch {
    return undefined;
  }
}

function detailIn(status: Uint8Array): ErrorDetail | undefined {
  for (const any of fieldsOf(status, STATUS_DETAILS)) {
    const [type] = fieldsOf(any, ANY_TYPE);
    const [value] = fieldsOf(any, ANY_VALUE);
    if (type === undefined || !new TextDecoder().decode(type).endsWith(DETAIL_TYPE)) continue;
    return fromBinary(ErrorDetailSchema, value ?? new Uint8Array(0));
  }
  return undefined;
}

/** The length-delimited fields of this number. */
function fieldsOf(message: Uint8Array, number: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === number && wireType === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return found;
}
