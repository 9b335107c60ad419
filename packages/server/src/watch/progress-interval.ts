/** How often a watch gets a mark of progress while nothing happens: the default, and the bounds, in milliseconds. */
export const PROGRESS_INTERVAL_MS = { default: 10_000, min: 100, max: 3_600_000 } as const;
