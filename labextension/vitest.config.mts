import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // How fast the machine is is no matter of these tests.
    testTimeout: 120_000,
    environment: 'jsdom',
    include: ['src/**/*.spec.ts'],
    reporters: ['default', 'junit'],
    outputFile: { junit: '../test-results/labextension.xml' }
  }
});
