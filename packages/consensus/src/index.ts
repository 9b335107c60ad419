export * from './core/zxid.js';
export * from './core/block.js';
export * from './core/server-id.js';
export type * from './core/messages.js';
export type * from './core/core-io.js';
export type * from './node/ports.js';
