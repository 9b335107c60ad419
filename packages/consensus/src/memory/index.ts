export { LoopbackNetwork } from './loopback-network.js';
export { MemoryLogStore, type MemoryLogStoreOptions } from './memory-log-store.js';
