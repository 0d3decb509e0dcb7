/**
 * What the bundles have in the place of packages that the Markdown parser brings
 * and that are never asked anything: `linkify-it`, because an address becomes a
 * link only where Markdown says so, here as in the kernel, and `mdurl` and
 * `punycode.js`, because `parser.ts` leaves addresses as they are and `links.ts`
 * looks at them.
 */

export class LinkifyIt {}

const asIs = (address: unknown): unknown => address;

export const parse = asIs;
export const format = asIs;
export const encode = asIs;
export const decode = Object.assign(asIs, { defaultChars: '' });

export default { toASCII: asIs, toUnicode: asIs };
