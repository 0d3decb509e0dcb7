/** What the extension's bundle has in the place of packages. `build:widget` and `vitest.config.mts` say the same. */

const { resolve } = require('node:path');

const own = name =>
  resolve(__dirname, 'lib/transcript/answer/markdown', `${name}.js`);

module.exports = {
  resolve: {
    alias: {
      entities$: own('entities'),
      'linkify-it$': own('unused'),
      mdurl$: own('unused'),
      'punycode.js$': own('unused'),
      'uc.micro$': own('punctuation')
    }
  }
};
