/** The words and glyphs of a tool call's line, for each of its states. */

import type { ICallBlock, ITranscript, Scope } from '../protocol/document';
import { el } from '../dom/elements';
import type { Child } from '../dom/elements';
import type { IFoldLine } from '../dom/fold';
import { clock, duration, oneLine, wholeSeconds } from '../dom/formatting';
import { nameNodes, visible, visibleName } from '../dom/visible';
import { isPending, seriesOf } from '../drawing/layout';
import type { IContext } from '../drawing/piece';
import { isShallow } from '../protocol/reading';

/** How far a grant reaches, in words. */
export const SCOPES: Record<Scope, string> = {
  cell: 'in this cell',
  notebook: 'in this notebook',
  session: 'in this session'
};

/** The arguments as `name="value", other=2`, with each value cut short. JSON that is still arriving is shown as it is. */
function argumentsLine(block: ICallBlock): string {
  const { arguments: json, request } = block;
  if (request && (isPending(block) || block.decision)) {
    // What a human was asked about is what was frozen, not what the model wrote.
    return request.params
      .slice(0, 12)
      .map(({ name, text, isText }) => {
        const value = text.slice(0, 300);
        return oneArgument(name, isText ? JSON.stringify(value) : value);
      })
      .join(', ');
  }
  const parsed = parseObject(json);
  if (!parsed) {
    return oneLine(visible(json.slice(0, 400)), 200);
  }
  return Object.entries(parsed)
    .slice(0, 12)
    .map(([name, value]) => {
      const text =
        typeof value === 'string'
          ? JSON.stringify(value.slice(0, 300))
          : (JSON.stringify(value) ?? '').slice(0, 300);
      return oneArgument(name, text);
    })
    .join(', ');
}

function oneArgument(name: string, text: string): string {
  return `${visibleName(name)}=${oneLine(visible(text), 120)}`;
}

/** The JSON object that a text holds; null if it does not hold one, if it is nested too deeply, or if not all of it has arrived. */
export function parseObject(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json);
    return value &&
      typeof value === 'object' &&
      !Array.isArray(value) &&
      isShallow(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The line of a call. `span` is its bar on the time scale of its group, if it is in one. */
export function callLine(
  block: ICallBlock,
  context: IContext,
  span?: HTMLElement
): IFoldLine {
  const words: Child[] = [
    el('span', 'llm-name', ...nameNodes(block.name)),
    ' ',
    el('span', 'llm-args', argumentsLine(block))
  ];
  if (block.decision || (isPending(block) && isUndecidable(context))) {
    // What was asked is cut at the end of its line, what came of it never is.
    const asked = el('span', 'llm-args-line', ...words);
    return block.decision
      ? decidedLine(block, context, asked)
      : waitingLine(block, context, asked);
  }
  const status = statusOf(block, context);
  if (!span) {
    return { ...status, words };
  }
  // The bar says that the call is running; only a screen reader needs the word.
  const running = 'running ';
  const when = status.when.map(text =>
    typeof text === 'string' && text.startsWith(running)
      ? text.slice(running.length)
      : text
  );
  if (block.status === 'running') {
    words.push(' ', el('span', 'llm-sr', running));
  }
  return { ...status, words, when: [span, el('span', 'llm-took', ...when)] };
}

/** Whether questions cannot be decided now. While a turn runs, that is no news: they will be. */
function isUndecidable({ host, live }: IContext): boolean {
  return !host.act && !(live && host.live);
}

/** The line of a question that cannot be answered at the moment: it is only what was saved. */
function waitingLine(
  block: ICallBlock,
  context: IContext,
  asked: HTMLElement
): IFoldLine {
  const unknown = block.status === 'unknown';
  const why = context.host.blocked ?? 'As saved; start the kernel to decide.';
  return {
    glyph: unknown ? 'question' : 'pause',
    words: [asked, ' ', unknown && 'It may have run. ', why],
    when: [],
    wraps: true
  };
}

/** The line of a call that no human decided about, without its words. */
function statusOf(
  block: ICallBlock,
  context: IContext
): Omit<IFoldLine, 'words'> {
  const took = block.seconds === undefined ? '' : duration(block.seconds);
  switch (block.status) {
    case 'writing':
      return context.live
        ? { glyph: 'spinner', tone: 'brand', when: ['writing'] }
        : { glyph: 'stop', tone: 'warn', when: ['not finished'] };
    case 'queued':
      return { glyph: 'clock', when: [queuedWords(block, context.document)] };
    case 'approved':
      return {
        glyph: 'clock',
        tone: 'brand',
        when: [context.live ? 'runs next' : 'has not run']
      };
    case 'running': {
      const running = runningFor(block, context);
      const text = running < 0 ? 'running' : `running ${wholeSeconds(running)}`;
      return { glyph: 'spinner', tone: 'brand', when: [text] };
    }
    case 'suspended':
      return { glyph: 'clock', when: ['waits for its question'] };
    case 'finished':
      return { glyph: 'check', tone: 'ok', when: [took || 'done'] };
    case 'failed':
      return {
        glyph: 'cross',
        tone: 'error',
        when: [took ? `failed in ${took}` : 'failed'],
        whenTone: 'error'
      };
    case 'cancelled':
      return { glyph: 'denied', when: ['cancelled'] };
    case 'waiting':
      return {
        glyph: 'pause',
        tone: 'warn',
        when: ['waiting for you'],
        whenTone: 'warn'
      };
    case 'denied':
      return { glyph: 'denied', when: ['denied'] };
    case 'answered':
      return { glyph: 'reply', when: ['answered'] };
    case 'abandoned':
      return { glyph: 'question', when: ['given up'] };
    case 'unknown':
      return {
        glyph: 'question',
        tone: 'warn',
        when: ['outcome unknown'],
        whenTone: 'warn'
      };
  }
}

/** That a call is queued, and behind which of the open questions before it: "queued behind 2 of 3". */
function queuedWords(block: ICallBlock, document: ITranscript): string {
  const { blocks, state } = document;
  const series = seriesOf(document);
  const index = blocks.indexOf(block);
  const last = series.filter(at => at < index && isPending(blocks[at])).pop();
  if (last !== undefined) {
    const which =
      series.length === 1
        ? 'the question'
        : `${series.indexOf(last) + 1} of ${series.length}`;
    return `queued behind ${which}`;
  }
  const isComing = state !== 'interrupted' && state !== 'failed';
  return isComing ? 'queued' : 'did not run';
}

/** How many seconds a call has been running; negative if it is not known when it began. */
function runningFor(block: ICallBlock, context: IContext): number {
  if (block.began === undefined) {
    return block.seconds ?? -1;
  }
  return Math.max(0, context.elapsed - block.began);
}

/** The line of a call that a human decided about. */
function decidedLine(
  block: ICallBlock,
  context: IContext,
  asked: HTMLElement
): IFoldLine {
  const decision = block.decision!;
  const when = [clock(decision.at, context.now)];
  const wraps = true;
  const elsewhere =
    context.decided.get(block.request?.id ?? '') === 'elsewhere';
  const by = elsewhere
    ? 'elsewhere'
    : `by ${visible(oneLine(decision.by || 'you', 60))}`;
  const said = decision.text
    ? `: “${visible(oneLine(decision.text, 300))}”`
    : '';
  switch (decision.verdict) {
    case 'denied':
      return {
        glyph: 'denied',
        words: [asked, ` denied ${by}${said}`],
        when,
        wraps
      };
    case 'answered':
      return {
        glyph: 'reply',
        words: [asked, ` answered ${by}${said}`],
        when,
        wraps
      };
    case 'abandoned':
      return decision.dropped
        ? {
            glyph: 'denied',
            words: [asked, ` dropped ${by}. It did not run.`],
            when,
            wraps
          }
        : {
            glyph: 'question',
            words: [
              asked,
              ` outcome unknown, given up ${by}.`,
              wentOn(block, context.document) && ' The model was told so.'
            ],
            when,
            wraps
          };
    case 'approved': {
      const line = approvedLine(block, by, asked, context);
      const glyph = elsewhere && line.glyph === 'check' ? 'tabs' : line.glyph;
      return { ...line, glyph, when, wraps };
    }
  }
}

/** Whether the model was asked again after a call. */
function wentOn(block: ICallBlock, { blocks, state }: ITranscript): boolean {
  const after = blocks.slice(blocks.indexOf(block) + 1);
  return state === 'done' || after.some(({ kind }) => kind !== 'call');
}

/** The line of an approved call: the consent, and what followed from it. */
function approvedLine(
  block: ICallBlock,
  by: string,
  asked: HTMLElement,
  { document, live }: IContext
): Omit<IFoldLine, 'when'> {
  const { changes, grant } = block.decision!;
  const edited = changes?.length ?? 0;
  let consent = grant ? `allowed ${SCOPES[grant.scope]}` : `approved ${by}`;
  if (edited > 0) {
    consent += ` with ${edited} ${edited === 1 ? 'argument' : 'arguments'} changed`;
  }
  const glyph = edited > 0 ? 'pencil' : 'check';
  const took = block.seconds === undefined ? '' : duration(block.seconds);
  switch (block.status) {
    case 'finished':
      return {
        glyph,
        tone: 'ok',
        words: [asked, ` ${consent}, ran ${took ? `in ${took}` : 'once'}`]
      };
    case 'failed':
      return {
        glyph: 'cross',
        tone: 'error',
        words: [
          asked,
          ` ${consent}, `,
          el(
            'span',
            'llm-is-error',
            `failed${took ? ` after ${took}` : ''}${failureText(block.result)}`
          )
        ]
      };
    case 'running':
      return {
        glyph: 'spinner',
        tone: 'brand',
        words: [asked, ` ${consent}, running`]
      };
    case 'suspended':
      return {
        glyph,
        tone: 'brand',
        words: [asked, ` ${consent}, begun; waits for its question`]
      };
    case 'cancelled':
      return {
        glyph: 'denied',
        words: [asked, ` ${consent}, then cancelled. It did not run.`]
      };
    case 'unknown':
      return {
        glyph: 'question',
        tone: 'warn',
        words: [
          asked,
          ` ${consent}. `,
          el('span', 'llm-is-warn', 'Whether it ran is not known.')
        ]
      };
    default: {
      const { length } = seriesOf(document);
      return length > 1
        ? {
            glyph: 'clock',
            words: [asked, ` ${consent}; runs when all ${length} are decided`]
          }
        : {
            glyph,
            tone: 'brand',
            words: [asked, ` ${consent}, ${live ? 'runs next' : 'has not run'}`]
          };
    }
  }
}

function failureText(result: string | undefined): string {
  const text = visible(oneLine(result ?? '', 160));
  return text ? `: ${text}` : '';
}
