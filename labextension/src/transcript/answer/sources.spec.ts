import { expect, test } from 'vitest';

import type { IPictureBlock, ISource } from '../protocol/document';
import { Page } from '../testing/page';
import { text, transcript } from '../testing/samples';

const source = (title: string, url = 'https://a.example/page'): ISource => ({
  title,
  url,
  host: 'somewhere.else'
});

const show = (...sources: ISource[]): Page =>
  new Page(transcript([text('So.¹')], { sources }));

test('sources are listed in order, with the hosts that they really lead to', () => {
  const page = show(
    source('First'),
    source('bank.example', 'https://b.example/')
  );
  const links = Array.from(page.node.querySelectorAll('.llm-sources a'));
  expect(links.map(link => link.getAttribute('href'))).toEqual([
    'https://a.example/page',
    'https://b.example/'
  ]);
  expect(page.text('.llm-sources')).toBe(
    'First a.examplebank.example b.example'
  );
  expect(links[0].getAttribute('rel')).toBe('noopener noreferrer');
});

test('without sources nothing is there', () => {
  expect(show().node.querySelector<HTMLElement>('.llm-sources')!.hidden).toBe(
    true
  );
});

test('many sources are folded, and their numbers continue', () => {
  const page = show(...Array.from({ length: 14 }, (_, n) => source(`s${n}`)));
  expect(page.text('.llm-sources summary')).toBe('Show all 14');
  const lists = page.node.querySelectorAll<HTMLElement>('.llm-sources ol');
  expect(lists[0].childElementCount).toBe(8);
  expect(lists[1].getAttribute('style')).toBe('counter-reset: source 8');
});

test.each([
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'https://user:pw@bank.example/',
  '//a.example',
  'file:///etc/passwd'
])('%s is no link', url => {
  const page = show(source('<img src=x onerror=alert(1)>\u202e', url));
  expect(page.node.querySelector('.llm-sources a')).toBeNull();
  expect(page.node.querySelector('img')).toBeNull();
  expect(page.text('.llm-sources')).toBe(
    '<img src=x onerror=alert(1)>\\u{202e}'
  );
});

const picture = (fields: Partial<IPictureBlock>): Page =>
  new Page(
    transcript([{ kind: 'picture', caption: 'Made by painter.', ...fields }])
  );

test('a picture is drawn from its own data, with its caption', () => {
  const page = picture({ type: 'image/png', data: 'iVBORw0KGgo=' });
  const image = page.node.querySelector<HTMLImageElement>('figure > img')!;
  expect(image.src).toBe('data:image/png;base64,iVBORw0KGgo=');
  expect(image.alt).toBe('Picture made by claude-sonnet-4-5');
  expect(page.text('figcaption')).toBe('Made by painter.');
  expect(page.text('.llm-transcript')).not.toContain('empty answer');
});

test.each([
  { type: 'image/svg+xml', data: 'PHN2Zz4=' },
  { type: 'text/html', data: 'PHN2Zz4=' },
  { type: 'image/png;x', data: 'PHN2Zz4=' },
  { type: 'image/png', data: 'https://evil.example/x.png' },
  { type: 'image/png', data: 'a"onerror="alert(1)' },
  { type: 'image/png', data: 'A'.repeat(5_000_000) },
  { type: 'image/png' },
  { data: 'PHN2Zz4=' }
])('%o is no picture', fields => {
  expect(picture(fields).node.querySelector('img')).toBeNull();
});

test('a picture elsewhere is a link, and is not loaded', () => {
  const page = picture({ url: 'https://a.example/cat.png' });
  expect(page.node.querySelector('img')).toBeNull();
  expect(page.node.querySelector('a')!.href).toBe('https://a.example/cat.png');
  expect(
    picture({ url: 'javascript:alert(1)' }).node.querySelector('a')
  ).toBeNull();
});
