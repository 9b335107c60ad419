import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/**
 * A load generator on ZooKeeper's own client: its asynchronous calls, pipelined as deep as it is told, over as many connections as it is told. Arguments
 * are key=value; what it measures goes to standard output as JSON, one object a line. It ends when it is done, or when its standard input ends.
 */
public final class Load {
  static final Map<String, String> given = new HashMap<>();
  static final List<ZooKeeper> handles = new ArrayList<>();
  static byte[] value;

  public static void main(String[] args) throws Exception {
    for (String arg : args) {
      String[] parts = arg.split("=", 2);
      given.put(parts[0], parts[1]);
    }
    value = new byte[number("value-bytes", 256)];
    Arrays.fill(value, (byte) 'z');
    String[] endpoints = text("endpoints", "").split(",");
    int connections = number("connections", 1);
    for (int i = 0; i < connections; i++) handles.add(connect(endpoints, i));
    switch (text("mode", "load")) {
      case "load" -> load();
      case "fill" -> fill();
      case "flow" -> flow();
      case "watch" -> watch();
      default -> throw new IllegalArgumentException("unknown mode " + text("mode", ""));
    }
    // Whoever started this process looks at what it used, and then ends it.
    Thread.currentThread().join();
  }

  /** A connection to one server; where it may move (move=1), to any of them, as the client library chooses. */
  static ZooKeeper connect(String[] endpoints, int index) throws Exception {
    CountDownLatch connected = new CountDownLatch(1);
    String to = number("move", 0) == 1 ? String.join(",", endpoints) : endpoints[index % endpoints.length];
    ZooKeeper handle =
        new ZooKeeper(
            to,
            number("timeout-ms", 10_000),
            event -> {
              if (event.getState() == Watcher.Event.KeeperState.SyncConnected) connected.countDown();
            });
    if (!connected.await(20, TimeUnit.SECONDS)) throw new IllegalStateException("no connection to " + to);
    return handle;
  }

  static String text(String name, String otherwise) {
    return given.getOrDefault(name, otherwise);
  }

  static int number(String name, int otherwise) {
    String text = given.get(name);
    return text == null ? otherwise : Integer.parseInt(text);
  }

  static synchronized void tell(String event, String fields) {
    System.out.println("{\"event\":\"" + event + "\"" + fields + "}");
    System.out.flush();
  }

  static String keyOf(int i) {
    return String.format("/bench/node-%012d", i);
  }

  /** Calls back when whoever started this process closes its standard input, or is gone. */
  static void untilInputEnds(Runnable then) {
    Thread thread =
        new Thread(
            () -> {
              try {
                while (System.in.read() >= 0) continue;
              } catch (java.io.IOException error) {
                // The same as its end.
              }
              then.run();
            });
    thread.setDaemon(true);
    thread.start();
  }

  static void makeParent(String path) throws Exception {
    try {
      handles.get(0).create(path, null, ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    } catch (KeeperException.NodeExistsException error) {
      // Another run made it.
    }
  }

  static String[] prepareKeys() throws Exception {
    String[] keys = new String[number("keys", 1000)];
    makeParent("/bench");
    for (int i = 0; i < keys.length; i++) keys[i] = keyOf(i);
    create(keys.length, 64, i -> keys[i]);
    return keys;
  }

  interface Paths {
    String of(int i);
  }

  /** Creates znodes, so many at a time. */
  static void create(int count, int inFlight, Paths paths) throws Exception {
    Semaphore slots = new Semaphore(inFlight);
    AtomicInteger failed = new AtomicInteger();
    for (int i = 0; i < count; i++) {
      slots.acquire();
      handles
          .get(i % handles.size())
          .create(
              paths.of(i),
              value,
              ZooDefs.Ids.OPEN_ACL_UNSAFE,
              CreateMode.PERSISTENT,
              (rc, path, context, name) -> {
                if (rc != 0 && rc != KeeperException.Code.NODEEXISTS.intValue()) failed.incrementAndGet();
                slots.release();
              },
              null);
    }
    slots.acquire(inFlight);
    if (failed.get() > 0) throw new IllegalStateException(failed.get() + " creates failed");
  }

  static void load() throws Exception {
    untilInputEnds(() -> Runtime.getRuntime().halt(1));
    String[] keys = prepareKeys();
    long begin = System.nanoTime() + number("warmup-ms", 2000) * 1_000_000L;
    long end = begin + number("ms", 5000) * 1_000_000L;
    tell("ready", "");
    Loop loop = new Loop(keys, begin, end);
    Thread starter =
        new Thread(
            () -> {
              Pacer.sleepUntil(begin);
              tell("start", "");
            });
    starter.start();
    if (number("rate", 0) > 0) Pacer.run(number("rate", 0), end, loop::once);
    else loop.fill(number("in-flight", 64));
    loop.await();
    tell("end", loop.all().summary() + ",\"ms\":" + (end - begin) / 1e6);
  }

  /** Makes {@code count} writes: each of a new znode (op=create), or round and round on some (op=set). */
  static void fill() throws Exception {
    untilInputEnds(() -> Runtime.getRuntime().halt(1));
    int count = number("count", 1000);
    int perFolder = number("per-folder", 1000);
    long begin = System.nanoTime();
    tell("start", "");
    if (text("op", "create").equals("set")) {
      String[] keys = prepareKeys();
      Semaphore slots = new Semaphore(number("in-flight", 256));
      for (int i = 0; i < count; i++) {
        slots.acquire();
        handles.get(i % handles.size()).setData(keys[i % keys.length], value, -1, (rc, path, context, stat) -> slots.release(), null);
      }
      slots.acquire(number("in-flight", 256));
    } else {
      for (int i = 0; i < count; i += perFolder) makeParent(folderOf(i / perFolder));
      create(count, number("in-flight", 256), i -> folderOf(i / perFolder) + keyOf(i % perFolder).substring(6));
    }
    tell("end", ",\"ops\":" + count + ",\"ms\":" + (System.nanoTime() - begin) / 1e6);
  }

  static String folderOf(int i) {
    return String.format("/fill-%06d", i);
  }

  /** Writes at a steady rate until the input ends, and tells of each time without an acknowledgement, and of the durations in each window. */
  static void flow() throws Exception {
    String[] keys = prepareKeys();
    Flow flow = new Flow(keys, number("gap-ms", 10), number("window-ms", 1000));
    untilInputEnds(() -> Runtime.getRuntime().halt(0));
    tell("ready", "");
    flow.start();
    Pacer.run(number("rate", 1000), Long.MAX_VALUE, flow::once);
  }

  /**
   * Persistent watches of one znode, spread over the connections, and one change after another, each when all watchers heard of the one before. The
   * library sends one watch of a path a connection to the server, and calls its watchers itself.
   */
  static void watch() throws Exception {
    untilInputEnds(() -> Runtime.getRuntime().halt(1));
    int watchers = number("watchers", 1000);
    makeParent("/bench");
    create(1, 1, i -> keyOf(0));
    AtomicLong heard = new AtomicLong();
    Semaphore all = new Semaphore(0);
    Watcher[] each = new Watcher[watchers];
    for (int i = 0; i < watchers; i++) {
      // An own object each: the library calls equal ones once.
      each[i] =
          new Watcher() {
            @Override
            public void process(org.apache.zookeeper.WatchedEvent event) {
              if (event.getType() == Event.EventType.NodeDataChanged && heard.incrementAndGet() == watchers) all.release();
            }
          };
      handles.get(i % handles.size()).addWatch(keyOf(0), each[i], AddWatchMode.PERSISTENT);
    }
    tell("ready", "");
    ZooKeeper writer = connect(new String[] {text("writer", "")}, 0);
    long begin = System.nanoTime() + number("warmup-ms", 2000) * 1_000_000L;
    long end = begin + number("ms", 5000) * 1_000_000L;
    Recorder recorder = new Recorder();
    boolean started = false;
    for (long sent = System.nanoTime(); sent < end; sent = System.nanoTime()) {
      if (!started && sent > begin) {
        tell("start", "");
        started = true;
      }
      heard.set(0);
      writer.setData(keyOf(0), value, -1);
      all.acquire();
      long now = System.nanoTime();
      if (sent > begin && now < end) recorder.add((now - sent) / 1e6);
    }
    int ops = recorder.count() * watchers;
    tell("end", recorder.summary().replaceFirst("\"ops\":\\d+", "\"ops\":" + ops) + ",\"ms\":" + (end - begin) / 1e6);
  }
}
