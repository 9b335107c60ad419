import { LogStoreError, type LogStoreErrorCode } from '@zkl/log-store';
import { PortError, type PortErrorCode } from '../port/port-error.js';
import { OptionRangeError } from '../port/bounded-options.js';
import { ServerError, type ServerErrorCode } from './server-error.js';

const PORT_CODES: Readonly<Record<PortErrorCode, ServerErrorCode>> = {
  PORT_IN_USE: 'PORT_IN_USE',
  ADDRESS_NOT_AVAILABLE: 'ADDRESS_NOT_AVAILABLE',
  PERMISSION_DENIED: 'ADDRESS_NOT_AVAILABLE',
  LISTEN_FAILED: 'ADDRESS_NOT_AVAILABLE',
};

const LOG_STORE_CODES: Readonly<Partial<Record<LogStoreErrorCode, ServerErrorCode>>> = {
  FOLDER_IN_USE: 'DATA_FOLDER_IN_USE',
  FOLDER_OF_OTHER_SERVER: 'DATA_FOLDER_FOREIGN',
  FOLDER_OF_OTHER_CLUSTER: 'DATA_FOLDER_FOREIGN',
  FOLDER_FOREIGN: 'DATA_FOLDER_FOREIGN',
  FOLDER_FORMAT_UNKNOWN: 'DATA_FOLDER_FOREIGN',
  FOLDER_NOT_A_FOLDER: 'DATA_FOLDER_UNUSABLE',
  FOLDER_NOT_WRITABLE: 'DATA_FOLDER_UNUSABLE',
};

/** Whatever made a server fail, under one of its own codes. */
export function toServerError(error: unknown): ServerError {
  if (error instanceof ServerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ServerError(codeOf(error), message, { cause: error });
}

function codeOf(error: unknown): ServerErrorCode {
  if (error instanceof PortError) return PORT_CODES[error.code];
  if (error instanceof OptionRangeError) return 'CONFIGURATION';
  if (error instanceof LogStoreError) {
    const code = LOG_STORE_CODES[error.code];
    if (code !== undefined) return code;
    if (error.kind === 'disk') return 'DISK';
    if (error.kind === 'damage') return 'DAMAGE';
  }
  return 'INTERNAL';
}
