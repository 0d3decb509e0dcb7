/** Chooses the words and the glyph of a tool call's line, for each of its states. */

import type { ICallBlock, ITranscript, Scope } from '../protocol/document';
import { el } from '../dom/elements';
import type { Child } from '../dom/elements';
import type { IFoldLine } from '../dom/fold';
import {
  clock,
  duration,
  oneLine,
  plural,
  wholeSeconds
} from '../dom/formatting';
import type { Icon } from '../dom/icons';
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
  const why = context.host.blocked ?? 'As saved; start the kernel to decide.';
  return {
    glyph: unknown ? 'question' : 'pause',
    words: [asked, ' ', unknown && 'It may have run. ', why],
    when: [],
    wraps: true
  };
}

/** The lines of calls whose state says everything. */
const FIXED_STATES = {
  suspended: { glyph: 'clock', when: ['waits for its question'] },
  cancelled: { glyph: 'denied', when: ['cancelled'] },
  waiting: {
    glyph: 'pause',
    tone: 'warn',
    when: ['waiting for you'],
    whenTone: 'warn'
  },
  denied: { glyph: 'denied', when: ['denied'] },
  answered: { glyph: 'reply', when: ['answered'] },
  abandoned: { glyph: 'question', when: ['given up'] },
  unknown: {
    glyph: 'question',
    tone: 'warn',
    when: ['outcome unknown'],
    whenTone: 'warn'
  }
} satisfies Record<string, Omit<IFoldLine, 'words'>>;

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
    case 'finished':
      return { glyph: 'check', tone: 'ok', when: [took || 'done'] };
    case 'failed':
      return {
        glyph: 'cross',
        tone: 'error',
        when: [took ? `failed in ${took}` : 'failed'],
        whenTone: 'error'
      };
    default:
      return FIXED_STATES[block.status];
  }
}

/** The words for a queued call, with the open question that it waits behind: "queued behind 2 of 3". */
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
  const isElsewhere =
    context.decided.get(block.request?.id ?? '') === 'elsewhere';
  const by = isElsewhere
    ? 'elsewhere'
    : `by ${visible(oneLine(decision.by || 'you', 60))}`;
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
    return ['denied', ` denied ${by}${said}`];
  }
  if (verdict === 'answered') {
    return ['reply', ` answered ${by}${said}`];
  }
  return dropped
    ? ['denied', ` dropped ${by}. It did not run.`]
    : [
        'question',
        ` outcome unknown, given up ${by}.`,
        wasContinued(block, document) && ' The model was told so.'
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
  const consent = ` ${consentWords(block, by)}`;
  const glyph = block.decision?.changes?.length ? 'pencil' : 'check';
  const took = block.seconds === undefined ? '' : duration(block.seconds);
  switch (block.status) {
    case 'finished': {
      const words = [`${consent}, ran ${took ? `in ${took}` : 'once'}`];
      return { glyph, tone: 'ok', words };
    }
    case 'failed': {
      const failed = `failed${took ? ` after ${took}` : ''}${failureText(block.result)}`;
      const words = [`${consent}, `, el('span', 'llm-is-error', failed)];
      return { glyph: 'cross', tone: 'error', words };
    }
    case 'running':
      return {
        glyph: 'spinner',
        tone: 'brand',
        words: [`${consent}, running`]
      };
    case 'suspended': {
      const words = [`${consent}, begun; waits for its question`];
      return { glyph, tone: 'brand', words };
    }
    case 'cancelled': {
      const words = [`${consent}, then cancelled. It did not run.`];
      return { glyph: 'denied', words };
    }
    case 'unknown': {
      const unknown = el('span', 'llm-is-warn', 'Whether it ran is not known.');
      return {
        glyph: 'question',
        tone: 'warn',
        words: [`${consent}. `, unknown]
      };
    }
    default:
      return queuedLine(consent, glyph, context);
  }
}

/** How a call was approved: by whom or how far, and with how many changes. */
function consentWords({ decision }: ICallBlock, by: string): string {
  const { changes, grant } = decision!;
  const consent = grant ? `allowed ${SCOPES[grant.scope]}` : `approved ${by}`;
  return changes?.length
    ? `${consent} with ${plural(changes.length, 'argument')} changed`
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
        words: [`${consent}; runs when all ${length} are decided`]
      }
    : {
        glyph,
        tone: 'brand',
        words: [`${consent}, ${live ? 'runs next' : 'has not run'}`]
      };
}

function failureText(result: string | undefined): string {
  const text = visible(oneLine(result ?? '', 160));
  return text ? `: ${text}` : '';
}
