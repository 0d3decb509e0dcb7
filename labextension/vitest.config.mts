import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    // Some tests try many random cases, and the machine may be slow or busy.
    testTimeout: 120_000,
    include: ['src/**/*.spec.ts'],
    reporters: ['default', 'junit'],
    outputFile: { junit: '../test-results/labextension.xml' }
  }
});
