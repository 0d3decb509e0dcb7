/**
 * What the bundles have in the place of `linkify-it`, which the Markdown parser
 * makes one of and asks nothing: an address that a model writes becomes a link
 * only where Markdown says so, here as in the kernel.
 */

export class LinkifyIt {}
