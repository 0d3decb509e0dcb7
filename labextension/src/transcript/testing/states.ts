/** Holds a sample of every state of a transcript, by name. */

import type { ITranscript } from '../protocol/document';
import {
  ANSWER,
  call,
  decided,
  DESTRUCTIVE,
  FORM_PARAMS,
  MAIL_PARAMS,
  param,
  pending,
  REASONING,
  SPOOF,
  text,
  transcript
} from './samples';
import { UNANSWERED } from './unanswered';

const RATES = {
  id: '01K0RATES',
  tool: 'fetch_rates',
  digest: '77e01b5d',
  origin: ['from a function in this notebook, cell [2]'],
  reason: '',
  params: [param('month', '2025-08'), param('base', 'EUR')]
};

const CALLS = [
  call(
    'query',
    { sql: 'SELECT month, region, revenue FROM sales WHERE year = 2025' },
    {
      began: 1,
      seconds: 1.2,
      result:
        'month,region,revenue\n2025-01,Americas,1334120.50\n2025-01,EMEA,1288004.10\n2025-01,Asia–Pacific,581220.00',
      resultHidden: 10_200_000
    }
  ),
  call(
    'read_csv',
    { path: 'data/rates_q4.csv' },
    {
      status: 'failed',
      began: 3,
      seconds: 0.1,
      result:
        "FileNotFoundError: No such file or directory: 'data/rates_q4.csv'"
    }
  ),
  call(
    'fetch_rates',
    { month: '2025-07', base: 'EUR' },
    { began: 4, seconds: 0.9, result: '1.17' }
  ),
  call(
    'fetch_rates',
    { month: '2025-08', base: 'EUR' },
    { began: 4, seconds: 1.6, result: '1.16' }
  ),
  call(
    'fetch_rates',
    { month: '2025-09', base: 'EUR' },
    { began: 4.1, status: 'running' }
  )
];

const LINES = Array.from(
  { length: 60 },
  (_, at) => `INSERT INTO price_new VALUES (${at}, 'EUR');`
);

const at = (minutes: number): string =>
  new Date(new Date().setHours(12, minutes, 0, 0)).toISOString();

/** The samples by their names. */
export const STATES: Record<string, ITranscript> = {
  sources: transcript(
    [
      text(
        'The euro rose against the dollar by about two per cent in August.¹ ² The central bank held its rates.³'
      )
    ],
    {
      sources: [
        {
          title: 'Euro foreign exchange reference rates, August 2025',
          url: 'https://ecb.example.org/rates',
          host: 'ecb.example.org'
        },
        {
          title: 'stats.example.org',
          url: 'https://stats.example.org/bulletin',
          host: 'stats.example.org'
        },
        { title: 'minutes.pdf, page 3', url: '', host: '' }
      ]
    }
  ),
  picture: transcript(
    [
      {
        kind: 'picture',
        caption:
          'Made by gemini-2.5-flash-image; 1,024 × 640, PNG, 1.3 MB. The notebook keeps a smaller copy.',
        type: 'image/png',
        data: 'iVBORw0KGgoAAAANSUhEUgAAAGAAAAA8CAIAAAAWtijjAAAAsUlEQVR42u3asQ2CQBSAYc9cZe8SjkMsWEGGcAzsCANc3IFJKEm0p3YBX8MVEvP97eUovryXEEKal9dBcUcEgAABAgQIECBAAgQIEKC9lWsun0/h0Xs1QVZMgAABAgQIECBv0kFT20RHl+FpgqyYAAECBOi3pZrfX3wwEyBAgAABAgQIECB9L9/Hsvnyo7tGRzWPNUGA/mnFai7f+mKCrJgAAQIECBAgQIAECBAgQDvrA/KsE1TK366OAAAAAElFTkSuQmCC'
      }
    ],
    { remarks: ['`lighthouse` is the picture at full size.'] }
  ),
  waiting: transcript([], { state: 'waiting', seconds: 3 }),
  retry: transcript([], {
    state: 'waiting',
    notice: {
      text: 'Too many requests (429).',
      detail: 'Second of four tries. No part of an answer has arrived.',
      seconds: 8
    }
  }),
  thinking: transcript([{ kind: 'reasoning', text: REASONING }], {
    state: 'streaming',
    seconds: 6
  }),
  streaming: transcript(
    [
      { kind: 'reasoning', text: REASONING, seconds: 12 },
      text(
        'Most of the dip is **one region in one month**. EMEA revenue fell by 31 % in August while the number of orders held, so the price per order is what'
      )
    ],
    { state: 'streaming' }
  ),
  answer: transcript(
    [{ kind: 'reasoning', text: REASONING, seconds: 12 }, text(ANSWER)],
    {
      footer: ['claude-sonnet-4-5', '1,284 in', '612 out', '$0.0130', '18.4 s']
    }
  ),
  calls: transcript(CALLS, { state: 'streaming', seconds: 6.3 }),
  record: transcript(
    [
      { kind: 'reasoning', text: REASONING, seconds: 14 },
      ...CALLS.slice(0, 4),
      call('fetch_rates', { month: '2025-09' }, { began: 4.1, seconds: 2.2 }),
      call('convert', { to: 'EUR', round: 2 }, { began: 7, seconds: 3 }),
      text(
        'In euros the dip is milder: **−9.2 %** instead of −13.6 %. About four points of the difference are the exchange rate.'
      )
    ],
    { footer: ['claude-sonnet-4-5', '3 requests', '31,902 in', '2,204 out'] }
  ),
  card: transcript(
    [
      text('I have the summary ready and will send it to finance now.'),
      pending({ params: MAIL_PARAMS })
    ],
    { state: 'paused' }
  ),
  armed: transcript([pending(RATES)], { state: 'paused' }),
  destructive: transcript([pending(DESTRUCTIVE)], {
    state: 'paused',
    heldUp: ['a', 'b', 'c']
  }),
  several: transcript(
    [
      text('I have the figures. Next I will mail the summary.'),
      pending({ params: MAIL_PARAMS }),
      pending(DESTRUCTIVE),
      call('list_files', { path: 'data' }, { status: 'queued' }),
      pending({ ...RATES, id: '01K0AUGUST' })
    ],
    { state: 'paused' }
  ),
  oneLeft: transcript(
    [
      decided(
        { at: at(3) },
        { status: 'approved', seconds: undefined, result: undefined }
      ),
      decided(
        { verdict: 'denied', at: at(4), text: 'Keep them until the audit.' },
        { name: 'Files.delete', status: 'denied', result: undefined }
      ),
      call('list_files', { path: 'data' }, { status: 'queued' }),
      pending(RATES)
    ],
    { state: 'paused' }
  ),
  two: transcript([pending(RATES), pending({ id: '01K0OTHER' })], {
    state: 'paused'
  }),
  spoof: transcript([text(SPOOF)]),
  form: transcript([pending({ params: FORM_PARAMS })], { state: 'paused' }),
  decided: transcript(
    [
      decided(
        { at: at(3) },
        { status: 'running', seconds: undefined, result: undefined }
      ),
      decided({ at: at(3) }),
      decided(
        {
          at: at(5),
          changes: [
            {
              name: 'to',
              before: '"finance@example.com"',
              after: '"ana.ruiz@example.com"'
            },
            {
              name: 'subject',
              before: '"Q3 figures \u202efdp.exe"',
              after: '"Q3 figures"'
            }
          ]
        },
        { seconds: 1.1 }
      ),
      decided(
        { verdict: 'denied', at: at(6), text: 'Keep sales_backup.parquet.' },
        { name: 'Files.delete', status: 'denied' }
      ),
      decided(
        { verdict: 'answered', at: at(6), text: 'Free after 14:00.' },
        { name: 'ask_calendar', status: 'answered' }
      ),
      decided(
        {
          at: at(7),
          grant: { id: 'grant-1', scope: 'notebook', revoked: false }
        },
        { name: 'fetch_rates', seconds: 0.9 }
      ),
      decided(
        { at: at(8) },
        { status: 'failed', seconds: 5, result: 'connection refused' }
      ),
      decided(
        { verdict: 'abandoned', at: at(31) },
        { status: 'abandoned', result: undefined }
      )
    ],
    { state: 'paused' }
  ),
  deceptive: transcript(
    [
      pending({
        id: '01K0SQL',
        tool: 'run_sql',
        description: 'Runs SQL against the warehouse, with your rights.',
        reason: '',
        params: [
          param('database', 'postgr\u0435s://warehouse/prices'),
          param('cc\nbcc', 'all@example.com'),
          param('subject', 'Q3 figures \u202efdp.exe'),
          param('piled', `Z${'\u0335'.repeat(40)}algo`),
          param('script', LINES.slice(0, 20).join('\n'), {
            cut: {
              at: LINES.slice(0, 20).join('\n').length,
              hidden: 1000,
              total: 1600,
              lines: { hidden: 40, total: 60 }
            }
          })
        ]
      }),
      call('list_files', { path: 'data' }, { status: 'queued' })
    ],
    { state: 'paused' }
  ),
  unknown: transcript(
    [
      pending(
        { id: '01K0LOST', params: [param('to', 'ana.ruiz@example.com')] },
        'unknown'
      )
    ],
    { state: 'paused' }
  ),
  ...UNANSWERED,
  heldUp: transcript([text('Done.')], { heldUp: ['a', 'b', 'c'] }),
  sent: transcript([text('In August.')], {
    sent: [
      {
        group: 'context',
        line: 'context: 7 cells, 2,140 tokens; 1 left out',
        rows: [
          { name: '[1]', text: 'import pandas', tokens: 24, leftOut: [] },
          { name: '[2]', text: '', tokens: 0, leftOut: ['marked # llm: hide'] }
        ]
      }
    ]
  }),
  interrupted: transcript(
    [
      text(
        'In euros the picture is milder, because the dollar weakened over the same weeks. Of the 13.6 % about four points are the exchange rate, and the rest is the discount in'
      )
    ],
    {
      state: 'interrupted',
      seconds: 4.2,
      footer: ['claude-sonnet-4-5', '1,911 in', 'at least 52 out', '4.2 s']
    }
  ),
  cut: transcript(
    [
      text(
        'Most of the dip is **one region in one month**. EMEA revenue fell by 31 % in August while the number of orders held, so the price per order is what changed. Three reasons are likely: first, the campaign of the summer ran longer than'
      )
    ],
    { cut: true }
  ),
  limit: transcript(
    [
      text(
        'The price per order held until July. I am now going through August week by week.'
      ),
      call('query', { week: 33 }, { status: 'queued' })
    ],
    {
      state: 'interrupted',
      seconds: 11.2,
      limit: { answers: 5, calls: 1 },
      footer: ['claude-sonnet-4-5', '11 s']
    }
  ),
  suspended: transcript(
    [
      call('summarise_all', { folder: 'data' }, { status: 'suspended' }),
      pending({
        origin: [
          'from a function in this notebook',
          'asked inside summarise_all, which claude-sonnet-4-5 called'
        ]
      })
    ],
    { state: 'paused' }
  ),
  error: transcript([], {
    state: 'failed',
    error: {
      kind: 'key',
      title: 'No key for Anthropic',
      text: 'claude-sonnet-4-5 needs one, and none is stored or set. Nothing was sent.',
      ways: [
        {
          code: '%llm keys set anthropic',
          text: 'asks for the key and keeps it in your key file, readable only by you'
        },
        {
          code: 'ANTHROPIC_API_KEY',
          text: 'in the environment, then restart the kernel'
        },
        {
          code: '%llm default gemma-3-4b',
          text: 'runs on this computer; 2.5 GB to download'
        }
      ]
    }
  })
};
