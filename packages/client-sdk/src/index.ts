import type { ClientOptions } from './options/client-options.js';
import type { Client } from './client/client.js';

export * from './surface.js';

export declare function createClient(input: string | ClientOptions): Client;
