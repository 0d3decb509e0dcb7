/**
 * How the extension's bundle is made smaller than by default: with more passes
 * of the minifier, with one file for all that commands load later, and with our
 * own code in the place of packages, as `build:widget` and `vitest.config.mts`
 * say too.
 */

const { resolve } = require('node:path');

const { rspack } = require('@rspack/core');

const own = name =>
  resolve(__dirname, 'lib/transcript/answer/markdown', `${name}.js`);

module.exports = {
  optimization: {
    splitChunks: {
      cacheGroups: {
        commands: {
          test: /\bcommands[\\/](?:actions|models|promptCells)\b/,
          chunks: 'async',
          name: 'commands',
          enforce: true
        }
      }
    },
    minimizer: [
      new rspack.SwcJsMinimizerRspackPlugin({
        extractComments: false,
        minimizerOptions: {
          ecma: 2020,
          compress: {
            ecma: 2020,
            passes: 4,
            keep_fargs: false
          },
          format: { comments: false, ecma: 2020 }
        }
      })
    ]
  },
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
