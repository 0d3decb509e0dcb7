/** The kinds of characters that Markdown asks about. The bundles put this in the place of `uc.micro`, which brings tables that browsers have. */

export const P = /\p{P}/u;
export const S = /\p{S}/u;
