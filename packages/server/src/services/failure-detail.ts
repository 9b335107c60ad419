import { create } from '@bufbuild/protobuf';
import { ErrorDetailSchema, Outcome, type ErrorDetail } from '@zkl/protocol';
import { ERROR_CODES, type ErrorCode } from '@zkl/wire';

/** An error of one part of a request whose other parts may be well. */
export function failureDetail(code: ErrorCode, path: string | undefined): ErrorDetail {
  const { number, retryable, hint } = ERROR_CODES[code];
  return create(ErrorDetailSchema, { code, number, outcome: Outcome.REJECTED, retryable, path: path ?? '', hint });
}
