import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.zookeeper.ZooKeeper;

/** Calls of one kind, round and round on the keys. Callbacks of one connection come on one thread, so each has a recorder of its own. */
final class Loop {
  /** What an open loop holds at most: beyond it calls wait in this process, and their time counts. */
  private static final int IN_FLIGHT_MAX = 8192;

  private final String[] keys;
  private final long beginNs;
  private final long endNs;
  private final String op = Load.text("op", "set");
  private final Recorder[] recorders = new Recorder[Load.handles.size()];
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger underWay = new AtomicInteger();
  private final Semaphore slots = new Semaphore(IN_FLIGHT_MAX);
  private final Semaphore done = new Semaphore(0);

  Loop(String[] keys, long beginNs, long endNs) {
    this.keys = keys;
    this.beginNs = beginNs;
    this.endNs = endNs;
    for (int i = 0; i < recorders.length; i++) recorders[i] = new Recorder();
  }

  /** So many slots, each of which begins its next call when the one before is answered. */
  void fill(int inFlight) {
    underWay.set(inFlight);
    for (int i = 0; i < inFlight; i++) again(i);
  }

  private void again(int slot) {
    long now = System.nanoTime();
    if (now >= endNs) {
      if (underWay.decrementAndGet() == 0) done.release();
      return;
    }
    issue(
        slot % recorders.length,
        rc -> {
          long ended = System.nanoTime();
          if (ended > beginNs && ended < endNs) record(slot % recorders.length, rc, now, ended);
          again(slot);
        });
  }

  /** One call of an open loop. */
  void once(int number, long dueNs) {
    slots.acquireUninterruptibly();
    int handle = number % recorders.length;
    issue(
        handle,
        rc -> {
          if (dueNs > beginNs) record(handle, rc, dueNs, System.nanoTime());
          slots.release();
        });
  }

  void await() throws InterruptedException {
    if (Load.number("rate", 0) > 0) slots.acquire(IN_FLIGHT_MAX);
    else done.acquire();
  }

  Recorder all() {
    Recorder all = new Recorder();
    for (Recorder one : recorders) all.addAll(one);
    return all;
  }

  private void record(int handle, int rc, long fromNs, long toNs) {
    if (rc == 0) recorders[handle].add((toNs - fromNs) / 1e6);
    else recorders[handle].errors++;
  }

  private interface Answer {
    void come(int rc);
  }

  private void issue(int index, Answer answer) {
    ZooKeeper handle = Load.handles.get(index);
    String key = keys[(next.getAndIncrement() & 0x7fffffff) % keys.length];
    switch (op) {
      case "set" -> handle.setData(key, Load.value, -1, (rc, path, context, stat) -> answer.come(rc), null);
      case "get" -> {
        // The two go out together: the server does them in order.
        handle.sync(key, (rc, path, context) -> {}, null);
        handle.getData(key, false, (rc, path, context, data, stat) -> answer.come(rc), null);
      }
      case "get-local" -> handle.getData(key, false, (rc, path, context, data, stat) -> answer.come(rc), null);
      default -> throw new IllegalArgumentException("unknown op " + op);
    }
  }
}
