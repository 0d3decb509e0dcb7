/** Chooses the words and the glyph of a tool call's line, for each of its states. */

import type { ICallBlock, ITranscript, Scope } from '../protocol/document';
import { el } from '../dom/elements';
import type { Child } from '../dom/elements';
import type { IFoldLine } from '../dom/fold';
import { clock, duration, oneLine, wholeSeconds } from '../dom/formatting';
import type { Icon } from '../dom/icons';
import { nameNodes, visible, visibleName } from '../dom/visible';
import { isPending, seriesOf } from '../drawing/layout';
import type { IContext } from '../drawing/piece';
import { isShallow } from '../protocol/reading';
import { trans } from '../dom/translation';

/** How far a grant reaches, in words. */
export function scopeWords(scope: Scope): string {
  return {
    cell: trans.__('in this cell'),
    notebook: trans.__('in this notebook'),
    session: trans.__('in this session')
  }[scope];
}

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
    // The question is cut at the end of its line, but its outcome never is.
    const asked = el('span', 'llm-args-line', ...words);
    return block.decision
      ? decidedLine(block, context, asked)
      : waitingLine(block, context, asked);
  }
  const status = statusOf(block, context);
  if (!span) {
    return { ...status, words };
  }
  let { when } = status;
  if (block.status === 'running') {
    // The bar says that the call is running; only a screen reader needs the word.
    words.push(' ', el('span', 'llm-sr', trans.__('running')));
    const seconds = runningFor(block, context);
    when = seconds < 0 ? when : [wholeSeconds(seconds)];
  }
  return { ...status, words, when: [span, el('span', 'llm-took', ...when)] };
}

/** Whether questions cannot be decided. While a turn is running this is false, because they can be decided soon. */
function isUndecidable({ host, live }: IContext): boolean {
  return !host.act && !(live && host.live);
}

/** The line of a question that cannot be answered at the moment, because only its saved copy is there. */
function waitingLine(
  block: ICallBlock,
  context: IContext,
  asked: HTMLElement
): IFoldLine {
  const unknown = block.status === 'unknown';
  const why =
    context.host.blocked ?? trans.__('As saved; start the kernel to decide.');
  return {
    glyph: unknown ? 'question' : 'pause',
    words: [asked, ' ', unknown && `${trans.__('It may have run.')} `, why],
    when: [],
    wraps: true
  };
}

/** The line of a call whose state says everything. */
function fixedState(status: FixedStatus): Omit<IFoldLine, 'words'> {
  const warning = { tone: 'warn', whenTone: 'warn' } as const;
  switch (status) {
    case 'suspended':
      return { glyph: 'clock', when: [trans.__('waits for its question')] };
    case 'cancelled':
      return { glyph: 'denied', when: [trans.__('cancelled')] };
    case 'waiting':
      return {
        glyph: 'pause',
        when: [trans.__('waiting for you')],
        ...warning
      };
    case 'denied':
      return { glyph: 'denied', when: [trans.__('denied')] };
    case 'answered':
      return { glyph: 'reply', when: [trans.__('answered')] };
    case 'abandoned':
      return { glyph: 'question', when: [trans.__('given up')] };
    case 'unknown':
      return {
        glyph: 'question',
        when: [trans.__('outcome unknown')],
        ...warning
      };
  }
}

type FixedStatus =
  | 'suspended'
  | 'cancelled'
  | 'waiting'
  | 'denied'
  | 'answered'
  | 'abandoned'
  | 'unknown';

/** The line of a call that no human decided about, without its words. */
function statusOf(
  block: ICallBlock,
  context: IContext
): Omit<IFoldLine, 'words'> {
  const took = block.seconds === undefined ? '' : duration(block.seconds);
  switch (block.status) {
    case 'writing':
      return context.live
        ? { glyph: 'spinner', tone: 'brand', when: [trans.__('writing')] }
        : { glyph: 'stop', tone: 'warn', when: [trans.__('not finished')] };
    case 'queued':
      return { glyph: 'clock', when: [queuedWords(block, context.document)] };
    case 'approved':
      return {
        glyph: 'clock',
        tone: 'brand',
        when: [context.live ? trans.__('runs next') : trans.__('has not run')]
      };
    case 'running': {
      const running = runningFor(block, context);
      const text =
        running < 0
          ? trans.__('running')
          : trans.__('running %1', wholeSeconds(running));
      return { glyph: 'spinner', tone: 'brand', when: [text] };
    }
    case 'finished':
      return { glyph: 'check', tone: 'ok', when: [took || trans.__('done')] };
    case 'failed':
      return {
        glyph: 'cross',
        tone: 'error',
        when: [took ? trans.__('failed in %1', took) : trans.__('failed')],
        whenTone: 'error'
      };
    default:
      return fixedState(block.status);
  }
}

/** The words for a queued call, with the open question that it waits behind: "queued behind 2 of 3". */
function queuedWords(block: ICallBlock, document: ITranscript): string {
  const { blocks, state } = document;
  const series = seriesOf(document);
  const index = blocks.indexOf(block);
  const last = series.filter(at => at < index && isPending(blocks[at])).pop();
  if (last !== undefined) {
    return series.length === 1
      ? trans.__('queued behind the question')
      : trans.__(
          'queued behind %1 of %2',
          String(series.indexOf(last) + 1),
          String(series.length)
        );
  }
  const isComing = state !== 'interrupted' && state !== 'failed';
  return isComing ? trans.__('queued') : trans.__('did not run');
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
  const isElsewhere =
    context.decided.get(block.request?.id ?? '') === 'elsewhere';
  const by = isElsewhere
    ? trans.__('elsewhere')
    : trans.__('by %1', visible(oneLine(decision.by || trans.__('you'), 60)));
  const when = { when: [clock(decision.at, context.now)], wraps: true };
  if (decision.verdict === 'approved') {
    const line = approvedLine(block, by, context);
    const glyph = isElsewhere && line.glyph === 'check' ? 'tabs' : line.glyph;
    return { ...line, glyph, words: [asked, ...line.words], ...when };
  }
  const [glyph, ...words] = refusedWords(block, by, context.document);
  return { glyph, words: [asked, ...words], ...when };
}

/** The glyph of a call that was not approved, and what a human decided instead. */
function refusedWords(
  block: ICallBlock,
  by: string,
  document: ITranscript
): [Icon, ...Child[]] {
  const { dropped, text, verdict } = block.decision!;
  const said = text ? `: “${visible(oneLine(text, 300))}”` : '';
  if (verdict === 'denied') {
    return ['denied', ` ${trans.__('denied %1', by)}${said}`];
  }
  if (verdict === 'answered') {
    return ['reply', ` ${trans.__('answered %1', by)}${said}`];
  }
  return dropped
    ? ['denied', ` ${trans.__('dropped %1. It did not run.', by)}`]
    : [
        'question',
        ` ${trans.__('outcome unknown, given up %1.', by)}`,
        wasContinued(block, document) &&
          ` ${trans.__('The model was told so.')}`
      ];
}

/** Whether the model was asked again after a call. */
function wasContinued(
  block: ICallBlock,
  { blocks, state }: ITranscript
): boolean {
  const after = blocks.slice(blocks.indexOf(block) + 1);
  return state === 'done' || after.some(({ kind }) => kind !== 'call');
}

/** The line of an approved call without its time: the consent, and what followed from it. */
function approvedLine(
  block: ICallBlock,
  by: string,
  context: IContext
): Omit<IFoldLine, 'when'> {
  const consent = consentWords(block, by);
  const glyph = block.decision?.changes?.length ? 'pencil' : 'check';
  const took = block.seconds === undefined ? '' : duration(block.seconds);
  switch (block.status) {
    case 'finished': {
      const ran = took
        ? trans.__('%1, ran in %2', consent, took)
        : trans.__('%1, ran once', consent);
      return { glyph, tone: 'ok', words: [' ', ran] };
    }
    case 'failed': {
      const words = [` ${consent}, `, failedNode(took, block.result)];
      return { glyph: 'cross', tone: 'error', words };
    }
    case 'running': {
      const words = [' ', trans.__('%1, running', consent)];
      return { glyph: 'spinner', tone: 'brand', words };
    }
    case 'suspended': {
      const begun = trans.__('%1, begun; waits for its question', consent);
      return { glyph, tone: 'brand', words: [' ', begun] };
    }
    case 'cancelled': {
      const ended = trans.__('%1, then cancelled. It did not run.', consent);
      return { glyph: 'denied', words: [' ', ended] };
    }
    case 'unknown': {
      const unknown = trans.__('Whether it ran is not known.');
      const words = [` ${consent}. `, el('span', 'llm-is-warn', unknown)];
      return { glyph: 'question', tone: 'warn', words };
    }
    default:
      return queuedLine(consent, glyph, context);
  }
}

/** How an approved call failed, and with what message. */
function failedNode(took: string, result: string | undefined): HTMLElement {
  const failed = took ? trans.__('failed after %1', took) : trans.__('failed');
  return el('span', 'llm-is-error', failed + failureText(result));
}

/** How a call was approved: by whom or how far, and with how many changes. */
function consentWords({ decision }: ICallBlock, by: string): string {
  const { changes, grant } = decision!;
  const consent = grant
    ? trans.__('allowed %1', scopeWords(grant.scope))
    : trans.__('approved %1', by);
  return changes?.length
    ? trans._n(
        '%2 with %1 argument changed',
        '%2 with %1 arguments changed',
        changes.length,
        consent
      )
    : consent;
}

/** The line of an approved call that has not begun. */
function queuedLine(
  consent: string,
  glyph: Icon,
  { document, live }: IContext
): Omit<IFoldLine, 'when'> {
  const { length } = seriesOf(document);
  return length > 1
    ? {
        glyph: 'clock',
        words: [
          ' ',
          trans.__('%1; runs when all %2 are decided', consent, String(length))
        ]
      }
    : {
        glyph,
        tone: 'brand',
        words: [
          ' ',
          live
            ? trans.__('%1, runs next', consent)
            : trans.__('%1, has not run', consent)
        ]
      };
}

function failureText(result: string | undefined): string {
  const text = visible(oneLine(result ?? '', 160));
  return text ? `: ${text}` : '';
}
