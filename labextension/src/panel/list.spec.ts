import { expect, test } from 'vitest';

import { List, marked, plain } from './list';
import type { IItem } from './list';
import { fileName } from './fileName';

const item = (key: string, over: Partial<IItem> = {}): IItem => ({
  key,
  name: [key],
  title: key,
  ...over
});

function press(node: Element, key: string): void {
  node.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
}

test('arrows go from row to row, Enter opens, and one row is in the order of Tab', () => {
  const list = new List('Things');
  document.body.append(list.node);
  const opened: string[] = [];
  list.draw(
    ['a', 'b', 'c'].map(key => item(key, { open: () => opened.push(key) }))
  );
  const rows = Array.from(list.node.children) as HTMLElement[];
  expect(rows.map(({ tabIndex }) => tabIndex)).toEqual([0, -1, -1]);
  rows[0].focus();
  press(rows[0], 'ArrowDown');
  expect(document.activeElement).toBe(rows[1]);
  expect(rows.map(({ tabIndex }) => tabIndex)).toEqual([-1, 0, -1]);
  press(rows[1], 'Enter');
  expect(opened).toEqual(['b']);
  press(rows[1], 'ArrowUp');
  press(rows[0], 'ArrowUp');
  expect(document.activeElement).toBe(rows[0]);
});

test('what is drawn again keeps the focus, on its row or on a button of it', () => {
  const list = new List('Things');
  document.body.append(list.node);
  const act = (): IItem[] =>
    ['a', 'b'].map(key =>
      item(key, { actions: [plain('Do', () => undefined)] })
    );
  list.draw(act());
  list.node.querySelectorAll('button')[1].focus();
  list.draw([item('new'), ...act()]);
  expect(document.activeElement).toBe(list.node.querySelectorAll('button')[1]);
});

test('a row that asks something puts the focus on the way back, and then on what asked', () => {
  const list = new List('Things');
  document.body.append(list.node);
  const names = (): string | null | undefined =>
    document.activeElement?.textContent;
  const row = (isAsking: boolean): IItem[] => [
    item('a', {
      cancel: isAsking ? () => list.draw(row(false)) : undefined,
      actions: isAsking
        ? [plain('Remove it', () => undefined), plain('Keep', () => undefined)]
        : [plain('Remove…', () => list.draw(row(true)))]
    })
  ];
  list.draw(row(false));
  list.node.querySelector('button')!.focus();
  list.node.querySelector('button')!.click();
  expect(names()).toBe('Keep');
  press(document.activeElement!, 'Escape');
  expect(names()).toBe('Remove…');
});

test('a text of a model is text, and what was looked for is marked in it', () => {
  const node = document.createElement('p');
  node.append(
    ...(marked('<b>Quince</b> jam', ' quince x') as (string | Node)[])
  );
  expect(node.textContent).toBe('<b>Quince</b> jam');
  expect(node.querySelector('mark')?.textContent).toBe('Quince');
  expect(marked('jam', '')).toEqual(['jam']);
});

test('a file is named after the title, whatever that is', () => {
  expect(fileName('Who are the people?')).toBe('who-are-the-people.md');
  expect(fileName('../../etc/passwd')).toBe('etc-passwd.md');
  expect(fileName('…')).toBe('conversation.md');
  expect(fileName('x'.repeat(1000)).length).toBeLessThan(50);
});
