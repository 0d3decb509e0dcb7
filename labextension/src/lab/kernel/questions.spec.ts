import { expect, test } from 'vitest';

import type { IPanelQuestion } from '../../transcript';
import { Questions } from './questions';

test('each answer goes to its question, and news to everybody', async () => {
  const sent: IPanelQuestion[] = [];
  const questions = new Questions(question => sent.push(question) > 0);
  const news: string[] = [];
  questions.told.connect((_, { about }) => news.push(about));
  const first = questions.ask({ about: 'waiting' });
  const second = questions.ask({ about: 'keys' });
  const answer = (answers: string, about: string, problem?: string): void =>
    questions.take({ type: 'panel', answers, about, problem });
  answer(sent[1].ask, 'keys', 'It cannot be read.');
  answer('of another page', 'local');
  answer('', 'local');
  answer(sent[0].ask, 'waiting');
  expect((await first).about).toBe('waiting');
  await expect(second).rejects.toThrow('It cannot be read.');
  expect(news).toEqual(['local']);
});

test('without a connection no answer is waited for', async () => {
  let isThere = true;
  const questions = new Questions(() => isThere);
  const asked = questions.ask({ about: 'runs' });
  questions.forget();
  await expect(asked).rejects.toThrow('The kernel went away.');
  isThere = false;
  await expect(questions.ask({ about: 'runs' })).rejects.toThrow(
    'The kernel went away.'
  );
});
