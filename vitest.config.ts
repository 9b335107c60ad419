import { defineConfig } from 'vitest/config';

/** Tests run on the sources: this condition comes first in the `exports` of every package. */
const conditions = ['@zkl/source'];

const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions } },
};

export default defineConfig({
  ...shared,
  test: {
    passWithNoTests: true,
    // Vitest leaves one core free, which on a machine of two is half of it.
    maxWorkers: 2,
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts', 'benchmarks/src/**/*.test.ts'],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          name: 'integration',
          include: ['tests/**/*.test.ts'],
          globalSetup: 'tests/build/programs.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Real processes and real timeouts: after the unit tests.
          sequence: { groupOrder: 1 },
        },
      },
    ],
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      exclude: ['packages/protocol/src/gen/**', '**/*.test.ts'],
    },
  },
});
