import java.util.Locale;

/** A steady flow of writes, and what was seen of it: gaps between acknowledgements, and durations by windows. */
final class Flow {
  private final String[] keys;
  private final double gapMs;
  private final int windowMs;
  private Recorder window = new Recorder();
  private double lastMs = nowMs();

  Flow(String[] keys, double gapMs, int windowMs) {
    this.keys = keys;
    this.gapMs = gapMs;
    this.windowMs = windowMs;
  }

  void start() {
    Thread thread = new Thread(this::tellWindows);
    thread.setDaemon(true);
    thread.start();
  }

  void once(int number, long dueNs) {
    Load.handles
        .get(number % Load.handles.size())
        .setData(keys[number % keys.length], Load.value, -1, (rc, path, context, stat) -> answered(rc, dueNs), null);
  }

  private synchronized void answered(int rc, long dueNs) {
    if (rc != 0) {
      window.errors++;
      return;
    }
    double now = nowMs();
    if (now - lastMs >= gapMs) Load.tell("gap", String.format(Locale.ROOT, ",\"from\":%.3f,\"to\":%.3f", lastMs, now));
    lastMs = now;
    window.add((System.nanoTime() - dueNs) / 1e6);
  }

  private void tellWindows() {
    for (long next = System.nanoTime(); ; ) {
      next += windowMs * 1_000_000L;
      Pacer.sleepUntil(next);
      Recorder full;
      synchronized (this) {
        full = window;
        window = new Recorder();
      }
      Load.tell("window", full.summary() + String.format(Locale.ROOT, ",\"at\":%.3f", nowMs()));
    }
  }

  private static double nowMs() {
    java.time.Instant now = java.time.Instant.now();
    return now.getEpochSecond() * 1e3 + now.getNano() / 1e6;
  }
}
