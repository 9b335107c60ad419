/** What a worker tells. Tokens are 64 bits long, so they travel as text. */
export type FromWorker =
  | { readonly kind: 'holding'; readonly token: string }
  | { readonly kind: 'write'; readonly token: string; readonly isLost: boolean };
