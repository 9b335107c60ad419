import java.util.Arrays;
import java.util.Locale;

/** Durations in milliseconds, of one thread at a time. */
final class Recorder {
  private double[] values = new double[1 << 14];
  private int count;
  int errors;

  void add(double ms) {
    if (count == values.length) values = Arrays.copyOf(values, count * 2);
    values[count++] = ms;
  }

  void addAll(Recorder other) {
    for (int i = 0; i < other.count; i++) add(other.values[i]);
    errors += other.errors;
  }

  int count() {
    return count;
  }

  String summary() {
    double[] sorted = Arrays.copyOf(values, count);
    Arrays.sort(sorted);
    return String.format(
        Locale.ROOT,
        ",\"ops\":%d,\"errors\":%d,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"max\":%.4f",
        count,
        errors,
        at(sorted, 0.5),
        at(sorted, 0.99),
        at(sorted, 0.999),
        at(sorted, 1));
  }

  private static double at(double[] sorted, double part) {
    return sorted.length == 0 ? 0 : sorted[Math.min(sorted.length - 1, (int) (part * sorted.length))];
  }
}
