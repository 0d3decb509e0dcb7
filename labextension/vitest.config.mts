import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // How fast the machine is is no matter of these tests.
    testTimeout: 120_000,
    environment: 'jsdom',
    // Random cases are many, and the machine may be busy.
    testTimeout: 60_000,
    include: ['src/**/*.spec.ts'],
    reporters: ['default', 'junit'],
    outputFile: { junit: '../test-results/labextension.xml' }
  }
});
