import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    alias: {
      entities: new URL(
        'src/transcript/answer/markdown/entities.ts',
        import.meta.url
      ).pathname,
      'uc.micro': new URL(
        'src/transcript/answer/markdown/punctuation.ts',
        import.meta.url
      ).pathname,
      ...Object.fromEntries(
        ['linkify-it', 'mdurl', 'punycode.js'].map(name => [
          name,
          new URL('src/transcript/answer/markdown/unused.ts', import.meta.url)
            .pathname
        ])
      )
    }
  },
  test: {
    // What is bundled with an alias is tested with it.
    server: { deps: { inline: ['markdown-it'] } },
    environment: 'jsdom',
    // Some tests try many random cases, and the machine may be slow or busy.
    testTimeout: 120_000,
    include: ['src/**/*.spec.ts'],
    reporters: ['default', 'junit'],
    outputFile: { junit: '../test-results/labextension.xml' }
  }
});
