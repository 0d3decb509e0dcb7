// @vitest-environment node

import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { linkTarget } from './links';

const ADDRESSES = JSON.parse(
  readFileSync('../tests/transcript/addresses.json', 'utf8')
) as [string, boolean][];

test.each(ADDRESSES)(
  'an address is a link here if it is one in the notebook file: %s',
  (address, isLink) => {
    expect(linkTarget(address) !== null).toBe(isLink);
  }
);
