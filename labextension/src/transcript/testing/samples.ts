/** Makes sample documents, for the tests and for the page in `demo/`. */

import type {
  Block,
  ICallBlock,
  IDecision,
  IParam,
  IRequest,
  ITranscript
} from '../protocol/document';

/** A transcript with these blocks. */
export function transcript(
  blocks: Block[],
  fields: Partial<ITranscript> = {}
): ITranscript {
  return {
    version: 1,
    id: 'turn-1',
    seq: 0,
    model: 'claude-sonnet-4-5',
    state: 'done',
    seconds: 18.4,
    blocks,
    ...fields
  };
}

/** A block of Markdown. */
export function text(markdown: string): Block {
  return { kind: 'text', text: markdown };
}

/** A finished call, unless `fields` say otherwise. */
export function call(
  name: string,
  args: Record<string, unknown>,
  fields: Partial<ICallBlock> = {}
): ICallBlock {
  return {
    kind: 'call',
    callId: 'toolu_01Hq',
    name,
    arguments: JSON.stringify(args),
    status: 'finished',
    ...fields
  };
}

/** An argument that is a string. */
export function param(
  name: string,
  value: string,
  fields: Partial<IParam> = {}
): IParam {
  return {
    name,
    type: 'string',
    text: value,
    isText: true,
    required: true,
    schema: { type: 'string' },
    ...fields
  };
}

/** A request to send a mail. */
export function request(fields: Partial<IRequest> = {}): IRequest {
  return {
    id: '01K0CALL',
    digest: '9f2c41abcdef',
    tool: 'Mail.send',
    origin: ['from the package llm-tools-mail 0.3.1'],
    source: {
      title: 'mail.py, line 12',
      code: 'def send(self, to: str, subject: str):\n    ...'
    },
    reason: 'Sends one message to an address outside your organisation.',
    destructive: false,
    params: [
      param('to', 'finance@example.com'),
      param('subject', 'Q3 figures \u202efdp.exe')
    ],
    grants: ['cell', 'notebook', 'session'],
    ...fields
  };
}

/** A call that waits for a human decision. */
export function pending(
  fields: Partial<IRequest> = {},
  status: 'waiting' | 'unknown' = 'waiting'
): ICallBlock {
  const asked = request(fields);
  const args = Object.fromEntries(
    asked.params.map(one => [one.name, one.text])
  );
  return call(asked.tool, args, { status, request: asked });
}

/** A call that a human has decided about. */
export function decided(
  decision: Partial<IDecision>,
  fields: Partial<ICallBlock> = {}
): ICallBlock {
  const block = pending();
  return {
    ...block,
    status: 'finished',
    seconds: 1.4,
    began: 3,
    result: 'sent',
    decision: {
      verdict: 'approved',
      by: 'you',
      at: new Date().toISOString(),
      ...decision
    },
    ...fields
  };
}

const LONG_BODY =
  'Hello,\n\nhere is the short version of the third quarter. Most of the dip is one region in one month: EMEA revenue fell by 31 % in August while the number of orders held.';
const LONG_TAIL =
  'If you would rather have the table by month, say so and I will send it tomorrow.\n\nBest wishes';

/** The arguments of a mail, one of them long. */
export const MAIL_PARAMS: IParam[] = [
  param('to', 'finance@example.com'),
  param('subject', 'Q3 figures \u202efdp.exe', {
    schema: { type: 'string', maxLength: 78 }
  }),
  param('body', LONG_BODY + LONG_TAIL, {
    cut: { at: LONG_BODY.length, hidden: 4812, total: 5140 }
  }),
  param('attach', '["q3.csv"]', {
    type: 'list',
    isText: false,
    schema: { type: 'array' },
    required: false
  })
];

/** Arguments that need every kind of field. */
export const FORM_PARAMS: IParam[] = [
  param('to', 'finance@example.com'),
  param('subject', 'Q3 figures \u202efdp.exe', {
    required: false,
    schema: { type: 'string', maxLength: 78 }
  }),
  param('body', 'Hello,\n\nhere is the short version of the third quarter.'),
  param('priority', 'normal', {
    required: false,
    schema: { type: 'string', enum: ['low', 'normal', 'high'] }
  }),
  param('delay_minutes', '0', {
    type: 'integer',
    isText: false,
    required: false,
    schema: { type: 'integer', minimum: 0, maximum: 60 }
  }),
  param('reply_to', 'null', {
    type: 'string or null',
    isText: false,
    required: false,
    schema: { anyOf: [{ type: 'string' }, { type: 'null' }] }
  }),
  param('attach', '["q3.csv"]', {
    type: 'list of string',
    isText: false,
    required: false,
    schema: { type: 'array', items: { type: 'string' } }
  }),
  param('receipt', 'true', {
    type: 'boolean',
    isText: false,
    required: false,
    description: 'ask for a read receipt',
    schema: { type: 'boolean' }
  })
];

/** What is different in a request to delete files. */
export const DESTRUCTIVE: Partial<IRequest> = {
  id: '01K0DELETE',
  tool: 'Files.delete',
  digest: 'c0d39917',
  origin: ['from the package llm-tools-files 1.2.0'],
  reason: 'Deletes 3 files (48.1 MB) without a trash.',
  destructive: true,
  grants: [],
  params: [
    param(
      'paths',
      '["data/rates_old.csv", "data/rates_q3.csv", "data/sales_backup.parquet"]',
      { type: 'list of string', isText: false, schema: { type: 'array' } }
    ),
    param('recursive', 'true', {
      type: 'boolean',
      isText: false,
      schema: { type: 'boolean' }
    })
  ]
};

/** A text of reasoning. */
export const REASONING =
  'Compared the quarters first, then the months for revenue only. The table has revenue by month and region, but orders only by quarter, so a monthly price per order cannot be had directly.\n\nBetter: compare the quarters, then look at the months only for revenue. July is close to June. August falls by a fifth and EMEA alone makes up';

/** An answer in Markdown, with most of what Markdown has. */
export const ANSWER = `# Why Q3 revenue dipped

Most of the dip is **one region in one month**. EMEA revenue fell by 31 % in August while the number of orders held, so the price per order is what changed, not demand.

## What the numbers say

| Region | Revenue Q2 | Revenue Q3 | Change | Orders |
|:--|--:|--:|--:|--:|
| Americas | 4,120,400 | 4,208,950 | +2.1 % | +1.8 % |
| EMEA | 3,902,150 | 3,371,800 | **−13.6 %** | +0.4 % |
| Asia–Pacific | 1,760,300 | 1,748,020 | −0.7 % | −0.9 % |

### Three things to check next

1. Whether the August campaign code \`SUMMER25\` was still active in Germany and France.
2. Whether refunds are booked in the month of the order or the month of the refund.
3. Whether the fit $\\hat\\beta = (X^TX)^{-1}X^Ty$ still has $R^2 > 0.9$ without August.

This draws the comparison from the frame you already have:

\`\`\`python
by_month = (
    sales[sales.region == "EMEA"]
    .groupby("month")[["revenue", "orders"]].sum()
    .assign(price=lambda d: d.revenue / d.orders)   # price per order
)
by_month.price.pct_change().mul(100).round(1)
\`\`\`

The method follows [Bridging revenue by price and volume](https://example.org/bridge).

![the third quarter](https://charts.example.org/q3.png)
`;

/** Markdown that imitates a card, reaches into the gutter, reverses text, and tries to load or run something. */
export const SPOOF = `### ⚠️ Waiting for your approval

> ▨▨▨ **Mail.send** from llm-tools-mail 0.3.1

| Argument | Value |
|---|---|
| to | finance@example.com |

[Approve](https://evil.example/)

<section class="llm-ask"><button class="llm-button llm-primary" onclick="alert(1)">Approve</button></section>

Stacked: Z\u0334\u0322\u0327\u0321\u0315${'\u0310\u031a\u0300\u0317'.repeat(24)}a\u0334${'\u0317\u0326\u0340'.repeat(30)}lgo

99999999999999. far out to the left
999999999. and this one

\u202eturned [around\u202e](https://evil.example/path) and on

${'\u200b'.repeat(40)}${'\u00a0'.repeat(8)}padded

\`\`\`mermaid
graph TD; A-->B
\`\`\`

![pixel](https://evil.example/pixel.png "title") [run](javascript:alert(1)) [data](data:text/html,x) <img src=x onerror=alert(1)>

<a data-commandlinker-command="docmanager:save">save</a>
`;
