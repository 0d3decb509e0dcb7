/** Draws a tool call as one line, which opens to show what was asked and what came back. */

import type { ICallBlock } from '../protocol/document';
import { noteNode, well, wellLabel } from '../dom/boxes';
import { difference } from '../dom/difference';
import { attrs, button, el, refill } from '../dom/elements';
import { Fold } from '../dom/fold';
import { clock, count, sentenceOf } from '../dom/formatting';
import { visible, visibleName, visibleNodes } from '../dom/visible';
import { isPending } from '../drawing/layout';
import type { IContext, IPiece } from '../drawing/piece';
import { printedNodes } from './printed';
import { callLine, parseObject, scopeWords } from './words';
import { trans } from '../dom/translation';

/** How much of a result is shown at first; the rest is behind "Show all". */
const SHOWN_CHARACTERS = 1500;
const SHOWN_LINES = 12;

/** How many characters of the arguments are shown at most. */
const SHOWN_ARGUMENTS = 20_000;

/** The piece of a call that no card asks about. */
export class Call implements IPiece {
  private readonly fold = new Fold(() => this.drawBody());
  readonly node = this.fold.node;
  private block: ICallBlock | null = null;
  private context: IContext | null = null;
  /** The state that the body was last drawn from, as a text. */
  private drawn = '';
  private showAll = false;
  /** The text in place of the button that revokes a grant. */
  private revoking = '';
  /** The bar of this call on the time scale of its group. */
  private readonly bar = el('span', 'llm-span', el('i'));
  private isGrouped = false;

  constructor(private readonly index: number) {
    attrs(this.bar, { 'aria-hidden': 'true' });
  }

  update(context: IContext): void {
    this.block = context.document.blocks[this.index] as ICallBlock;
    this.context = context;
    this.tick(context);
    const { printed, status } = this.block;
    if (context.document.showCalls) {
      this.fold.suggest(true);
    } else if (printed) {
      // What a tool prints while it runs may be what its reader waits for.
      this.fold.suggest(context.live && status === 'running');
      // A browser's search also finds text in a closed fold, if it is drawn.
      this.drawBody();
    }
    this.fold.drawBody();
  }

  tick(context: IContext): void {
    if (this.block) {
      const span = this.isGrouped ? this.bar : undefined;
      this.fold.showLine(callLine(this.block, context, span));
    }
  }

  /** Set which part of its group's time the call took, from 0 to 1; `null` for a call that is in no group. */
  setSpan(span: [number, number] | null): void {
    this.isGrouped = span !== null;
    if (span) {
      const inner = this.bar.firstElementChild as HTMLElement;
      inner.style.setProperty('--a', percent(span[0]));
      inner.style.setProperty('--b', percent(1 - span[1]));
    }
  }

  private drawBody(): void {
    const block = this.block;
    if (!block) {
      return;
    }
    const { result, resultHidden, decision, status } = block;
    const key = JSON.stringify([
      block.arguments,
      block.request,
      result,
      resultHidden,
      decision,
      status,
      block.note,
      block.printed,
      block.failure,
      this.showAll,
      this.revoking
    ]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    refill(
      this.fold.body,
      noteNode(visible(block.note ?? '')),
      ...this.decisionNodes(block),
      ...this.askedNodes(block),
      ...printedNodes(block),
      ...this.resultNodes(block)
    );
    // The newest lines are at the end.
    const printed = this.fold.body.querySelectorAll('.llm-printed');
    if (printed.length && status === 'running') {
      const newest = printed[printed.length - 1];
      newest.scrollTop = newest.scrollHeight;
    }
  }

  /** The arguments, unless the difference of an edit shows them already. */
  private askedNodes(block: ICallBlock): Node[] {
    if (block.decision?.changes?.length) {
      return [];
    }
    const text = askedText(block);
    if (!text) {
      return [wellLabel(el('span', '', trans.__('Asked without arguments')))];
    }
    const shown =
      text.length > SHOWN_ARGUMENTS
        ? text.slice(0, SHOWN_ARGUMENTS) + '…'
        : text;
    const node = well(...visibleNodes(shown));
    node.classList.add('llm-long');
    return [wellLabel(el('span', '', trans.__('Asked'))), node];
  }

  /** The result, or the error in its place. The reason for a denial is in the line. */
  private resultNodes(block: ICallBlock): Node[] {
    const { result, resultHidden = 0, status } = block;
    const { verdict } = block.decision ?? {};
    if (
      result === undefined ||
      verdict === 'denied' ||
      verdict === 'abandoned'
    ) {
      return [];
    }
    if (status === 'failed') {
      return failureNodes(block, result);
    }
    const total = result.length + resultHidden;
    const short = this.showAll ? result : headOf(result);
    const cut = short.length < result.length;
    const isGiven = status === 'answered';
    const facts =
      cut || resultHidden
        ? partlyShown(isGiven, count(total), count(short.length))
        : allShown(isGiven, result === '');
    const all = button(
      'llm-link',
      resultHidden
        ? trans.__('Show %1', count(result.length))
        : trans.__('Show all'),
      () => {
        this.showAll = true;
        this.drawBody();
      }
    );
    const nodes: Node[] = [wellLabel(el('span', '', facts), cut && all)];
    if (result !== '') {
      const text = well(...visibleNodes(short));
      text.classList.toggle('llm-long', this.showAll);
      nodes.push(text);
    }
    return nodes;
  }

  /** What a human edited, and the grant that came with the decision. */
  private decisionNodes(block: ICallBlock): Node[] {
    const nodes: Node[] = [];
    const { changes = [], grant, at } = block.decision ?? {};
    if (changes.length) {
      const lines = changes.flatMap(change =>
        difference(
          `${visibleName(change.name)} = ${change.before}`,
          `${visibleName(change.name)} = ${change.after}`
        )
      );
      nodes.push(el('div', 'llm-diff', ...lines));
    }
    if (grant) {
      const since = clock(at ?? '', this.context?.now ?? 0);
      const said = trans.__(
        'Allowed %1 at %2 with any arguments.',
        scopeWords(grant.scope),
        since
      );
      nodes.push(el('div', 'llm-quiet', said, ' ', this.revokeNode(grant)));
    }
    return nodes;
  }

  private revokeNode(grant: { id: string; revoked: boolean }): Node {
    if (grant.revoked || this.revoking) {
      return el(
        'span',
        '',
        grant.revoked ? trans.__('Revoked.') : this.revoking
      );
    }
    const { host, document } = this.context!;
    if (!host.act) {
      return el(
        'span',
        '',
        trans.__('%1 lists and revokes it.', '%llm grants')
      );
    }
    return button('llm-link', trans.__('Revoke'), () => {
      this.revoking = trans.__('Revoking…');
      this.drawBody();
      host
        .act?.({ type: 'revoke', transcript: document.id, grant: grant.id })
        .catch((error: unknown) => {
          this.revoking = trans.__('Not revoked: %1', sentenceOf(error));
          this.drawBody();
        });
    });
  }

  /** Move the keyboard focus to its line. */
  focus(): void {
    this.fold.summary.focus({ preventScroll: true });
  }
}

/** What stands above a result of which only the beginning is shown. */
function partlyShown(isGiven: boolean, total: string, shown: string): string {
  return isGiven
    ? trans.__(
        'The model was given %1 characters; the first %2 are shown',
        total,
        shown
      )
    : trans.__('Returned %1 characters; the first %2 are shown', total, shown);
}

/** What stands above a result that is shown in full. */
function allShown(isGiven: boolean, isEmpty: boolean): string {
  if (isEmpty) {
    return isGiven
      ? trans.__('The model was given nothing')
      : trans.__('Returned nothing');
  }
  return isGiven ? trans.__('The model was given') : trans.__('Returned');
}

/** What a call failed with: the message that the model was given, and where it failed. */
function failureNodes({ failure }: ICallBlock, result: string): Node[] {
  if (!failure) {
    const label = trans.__('It failed; the model was given this message');
    return [wellLabel(el('span', '', label)), well(...errorText(result))];
  }
  const kind = el('span', 'llm-is-error', visible(failure.type));
  const message = failure.message ? `: ${visible(failure.message)}` : '';
  const frames = well(...visibleNodes(failure.frames));
  frames.classList.add('llm-long');
  return [
    wellLabel(
      el('span', '', trans.__('It failed; the model was given the message'))
    ),
    well(kind, message),
    ...(failure.frames ? [wellLabel(trans.__('Where')), frames] : [])
  ];
}

/** An error's message with the name of its type marked. */
function errorText(result: string): Node[] {
  const kind =
    /^[\w.]*(?:Error|Exception|Warning)(?=:|$)/.exec(result)?.[0] ?? '';
  const rest = visibleNodes(result.slice(kind.length));
  return kind ? [el('span', 'llm-is-error', kind), ...rest] : rest;
}

/** The arguments with a line for each. For a question they are the frozen ones. */
function askedText(block: ICallBlock): string {
  const { arguments: json, request } = block;
  if (request && (isPending(block) || block.decision)) {
    return request.params
      .map(({ name, text, cut }) => {
        const shown = cut
          ? [
              text.slice(0, cut.at),
              trans.__(
                '… %1 characters are not kept here …',
                count(cut.hidden)
              ),
              text.slice(cut.at)
            ].join('\n')
          : text;
        return `${visibleName(name)} = ${shown}`;
      })
      .join('\n');
  }
  const parsed = parseObject(json);
  return parsed
    ? Object.entries(parsed)
        .map(
          ([name, value]) =>
            `${visibleName(name)} = ${JSON.stringify(value, null, 1)}`
        )
        .join('\n')
    : json;
}

function percent(part: number): string {
  return `${Math.round(100 * Math.min(1, Math.max(0, part)))}%`;
}

function headOf(text: string): string {
  const lines = text.split('\n', SHOWN_LINES + 1);
  const short =
    lines.length > SHOWN_LINES ? lines.slice(0, SHOWN_LINES).join('\n') : text;
  return short.slice(0, SHOWN_CHARACTERS);
}
