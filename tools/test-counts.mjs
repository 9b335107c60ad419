/** Prints the counts of a vitest JSON report alone on a line. A report without a test, or without a file, is a failure. */
import { existsSync, readFileSync } from 'node:fs';

const [path = 'reports/vitest.json'] = process.argv.slice(2);

function readCounts() {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(readFileSync(path, 'utf8'));
  // A file that fails to load has no test of its own that failed.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const { passed, failed, skipped } = readCounts();
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (failed > 0 || passed === 0) process.exitCode = 1;
