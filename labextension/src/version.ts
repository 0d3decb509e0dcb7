/** The version of this package, which is sent to the kernel so that either side can see whether the other is older. */

export { version as VERSION } from '../package.json';
