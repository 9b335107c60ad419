export { decodeRecord, encodeRecord, recordBytesAt, recordOf, type DecodedRecord } from './record.js';
export { FileLogStore } from './file-log-store.js';
export { type FileLogStoreOptions, SEGMENT_BYTES_MIN } from './options.js';
export { LogStoreError, type LogStoreErrorCode, type LogStoreErrorKind } from './errors.js';
export type { Disk, DiskFile, OpenMode } from './disk.js';
export { nodeDisk } from './node-disk.js';
export { type DiskOperation, type DiskOperationKind, MemoryDisk, type MemoryDiskOptions } from './memory-disk.js';
export { openDataFolder, type DataFolderOptions } from './data-folder.js';
export type { FolderIdentity } from './identity.js';
export {
  inspectFolder,
  type FolderInspection,
  type InspectedSegment,
  type InspectedSnapshot,
  type InspectOptions,
} from './inspect.js';
export type { LogPosition } from './segment-file.js';
