import java.util.concurrent.locks.LockSupport;

/** Begins so many calls a second, whether earlier ones were answered or not. */
final class Pacer {
  interface Call {
    void begin(int number, long dueNs);
  }

  static void run(int rate, long endNs, Call call) {
    long from = System.nanoTime();
    for (int number = 0; System.nanoTime() < endNs; ) {
      long due = (long) ((System.nanoTime() - from) / 1e9 * rate);
      for (; number < due; number++) call.begin(number, from + (long) (number * 1e9 / rate));
      LockSupport.parkNanos(500_000);
    }
  }

  static void sleepUntil(long atNs) {
    for (long left = atNs - System.nanoTime(); left > 0; left = atNs - System.nanoTime()) LockSupport.parkNanos(left);
  }
}
