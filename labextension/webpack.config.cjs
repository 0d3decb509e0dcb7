/** What the extension's bundle has in the place of a package. `build:widget` and `vitest.config.mts` say the same. */

const { resolve } = require('node:path');

module.exports = {
  resolve: {
    alias: {
      entities$: resolve(
        __dirname,
        'lib/transcript/answer/markdown/entities.js'
      ),
      'linkify-it$': resolve(
        __dirname,
        'lib/transcript/answer/markdown/linkify.js'
      )
    }
  }
};
