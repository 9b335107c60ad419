export { decodeRecord, encodeRecord, recordBytesAt, recordOf, type DecodedRecord } from './record.js';
export { FileLogStore } from './file-log-store.js';
export { type FileLogStoreOptions, SEGMENT_BYTES_MIN } from './options.js';
export { LogStoreError, type LogStoreErrorCode, type LogStoreErrorKind } from './errors.js';
export type { Disk, DiskFile, OpenMode } from './disk.js';
export { nodeDisk } from './node-disk.js';
export { type DiskOperation, type DiskOperationKind, MemoryDisk, type MemoryDiskOptions } from './memory-disk.js';
