/** The version of this package, which it tells the kernel so that either side can see whether the other is older. */

export { version as VERSION } from '../package.json';
