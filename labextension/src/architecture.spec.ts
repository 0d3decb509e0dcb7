// @vitest-environment node

/** Checks which folder may import which, and that no imports form a circle. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

/**
 * The order from the bottom up. A file may import files of its own folder and of
 * earlier lines. Specs may import everything.
 */
const ORDER = [
  ['../package.json'],
  ['version', 'transcript/protocol', 'transcript/dom'],
  ['transcript/drawing'],
  ['transcript/answer/code', 'transcript/answer/formulas'],
  ['transcript/answer/markdown'],
  ['transcript/answer/streaming'],
  ['transcript/answer', 'transcript/calls', 'transcript/card/decision'],
  ['transcript/card/arguments'],
  ['transcript/card', 'transcript/jobs', 'transcript/prompt'],
  ['transcript/status'],
  ['transcript'],
  ['formulas'],
  ['lab/kernel'],
  ['lab/notebook'],
  ['lab', 'widget'],
  ['promptCell'],
  ['commands'],
  ['badges', 'panel'],
  ['statusBar'],
  ['index'],
  ['transcript/testing', 'lab/testing']
];

const FROM = /\bfrom '(\.[^']*)'|\bimport\(?\s*'(\.[^']*)'/g;

/** The imports of each module, including those for types only. An `index` goes by the name of its folder. */
function allImports(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const path of readdirSync('src', { recursive: true }) as string[]) {
    if (path.endsWith('.ts') && !path.endsWith('.spec.ts')) {
      const text = readFileSync(join('src', path), 'utf8');
      const specifiers = [...text.matchAll(FROM)].map(m => m[1] ?? m[2]);
      const targets = specifiers.map(one => join(path, '..', one));
      found.set(path.replace(/(?:\/index)?\.ts$/, ''), targets);
    }
  }
  return found;
}

/** The folder or single file of `ORDER` that a module belongs to. */
function roomOf(module: string): string {
  const rooms = ORDER.flat().filter(
    room => module === room || module.startsWith(room + '/')
  );
  return rooms.sort((a, b) => b.length - a.length)[0] ?? module;
}

const rank = (room: string): number =>
  ORDER.findIndex(line => line.includes(room));

test('every import leads to the same folder or further down', () => {
  const wrong: string[] = [];
  for (const [module, targets] of allImports()) {
    const from = roomOf(module);
    for (const to of targets.map(roomOf)) {
      if (rank(from) < 0 || (from !== to && rank(from) <= rank(to))) {
        wrong.push(`${module} imports ${to}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('no folder holds more than 18 files', () => {
  const sizes = new Map<string, number>();
  for (const path of readdirSync('src', { recursive: true }) as string[]) {
    const folder = join(path, '..');
    sizes.set(folder, (sizes.get(folder) ?? 0) + 1);
  }
  expect([...sizes].filter(([, size]) => size > 18)).toEqual([]);
});

test('no import leads back to where it began', () => {
  const imports = allImports();
  const free = new Set<string>();
  const visit = (module: string, path: string[]): void => {
    expect(path, 'a circle of imports').not.toContain(module);
    if (!free.has(module)) {
      imports.get(module)?.forEach(next => visit(next, [...path, module]));
      free.add(module);
    }
  };
  [...imports.keys()].forEach(module => visit(module, []));
});
