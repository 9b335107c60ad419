/** The first wait, in milliseconds, before jitter. */
const FIRST_MS = 15;
/** So slow a growth keeps the wait below half of the time that has passed: an election is met soon after it ends. */
const GROWTH = 1.5;
/** The longest wait, in milliseconds, before jitter. */
const LONGEST_MS = 1_000;

/**
 * How long to wait before the next try: 10 to 20 ms at first, then exponentially more, up to about a second. Random, so that
 * clients that failed at one moment do not come back at one moment.
 *
 * @param failures - Tries that failed in a row before this wait: 1, 2, 3, ...
 */
export function backoffMs(failures: number): number {
  const middle = Math.min(FIRST_MS * GROWTH ** Math.min(failures - 1, 32), LONGEST_MS);
  return middle * (2 / 3 + (Math.random() * 2) / 3);
}
