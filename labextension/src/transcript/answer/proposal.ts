/** Draws the cell that an answer proposes, as a difference below the answer. */

import type { IProposal } from '../protocol/document';
import { asGroup } from '../dom/boxes';
import { difference } from '../dom/difference';
import { attrs, button, el, refill } from '../dom/elements';
import { icon } from '../dom/icons';
import { visibleNodes } from '../dom/visible';
import type { IHost } from '../drawing/host';
import type { IContext, IPiece } from '../drawing/piece';
import { trans } from '../dom/translation';

/** More lines than this are not compared word by word. */
const MOST_COMPARED = 400;

/** The cell that the answer proposes. It is put into the notebook only by a click, and never run. */
export class ProposalPiece implements IPiece {
  readonly node = attrs(el('section', 'llm-proposal'), {
    'aria-label': trans.__('Proposed cell')
  });
  private drawn = '';

  update({ document, host }: IContext): void {
    const { proposal } = document;
    this.node.hidden = !proposal;
    const key = JSON.stringify([
      proposal,
      Boolean(host.insertBelow),
      Boolean(host.cellWith)
    ]);
    if (!proposal || key === this.drawn) {
      return;
    }
    this.drawn = key;
    this.draw(proposal, host);
  }

  private draw(proposal: IProposal, host: IHost): void {
    const dismiss = (): void => this.dismiss(() => this.draw(proposal, host));
    refill(
      this.node,
      headOf(visibleNodes(proposal.note)),
      asGroup(el('div', 'llm-diff', ...linesOf(proposal)), nameOf(proposal)),
      host.insertBelow ? buttonsOf(proposal, host, dismiss) : null
    );
  }

  /** Reduce it to one line, with a button that shows it again. The notebook's file still has it. */
  private dismiss(showAgain: () => void): void {
    const show = button('llm-plain', '', () => {
      showAgain();
      this.node.querySelector<HTMLElement>('.llm-actions button')?.focus();
    });
    show.append(trans.__('Show it again'));
    refill(this.node, headOf([trans.__('dismissed, not applied'), ' ', show]));
    show.focus();
  }
}

function headOf(said: (string | Node)[]): HTMLElement {
  const title = el('span', 'llm-strong', trans.__('Proposed cell'));
  return el('header', '', title, el('span', '', ...said));
}

/** The accessible name of a difference, which counts its lines. */
function nameOf({ lines }: IProposal): string {
  const count = (sign: string): string => {
    const found = lines.filter(line => line.sign === sign).length;
    return trans._n('%1 line', '%1 lines', found);
  };
  return trans.__('Difference: %1 removed, %2 added', count('-'), count('+'));
}

/** The buttons of a proposal. *Replace* and *Put below* look alike, because neither runs anything. */
function buttonsOf(
  proposal: IProposal,
  host: IHost,
  dismiss: () => void
): HTMLElement {
  const row = attrs(el('div', 'llm-actions'), { role: 'status' });
  const put = button('llm-button', icon('insert'), () =>
    host.insertBelow?.(proposal.code)
  );
  put.append(trans.__('Put below'));
  const away = button('llm-plain', '', dismiss);
  away.append(trans.__('Dismiss'));
  const before = textBefore(proposal);
  const say = (...said: (string | Node)[]): void =>
    refill(row, el('span', '', ...said));
  const replace = button('llm-button', icon('pencil'), () => {
    const cell = host.cellWith?.(before) ?? null;
    if (!cell) {
      refill(row, put, away, el('span', '', changed()));
      return;
    }
    cell.replace(proposal.code);
    const undo = button('llm-button', icon('reply'), () => {
      if (cell.undo()) {
        refill(row, replace, put, away);
        replace.focus();
      } else {
        say(changed());
      }
    });
    undo.append(trans.__('Undo'));
    say(icon('check'), ' ', trans.__('Replaced. Not run.'), ' ', undo);
    undo.focus();
  });
  replace.append(trans.__('Replace'));
  refill(row, host.cellWith?.(before) ? replace : null, put, away);
  return row;
}

const changed = (): string =>
  trans.__('The cell has changed since, so it was left as it is.');

/** The text that the proposal was compared with. */
function textBefore({ lines }: IProposal): string {
  return lines
    .filter(({ sign }) => sign !== '+')
    .map(({ text }) => text)
    .join('\n');
}

/** The lines, each with its number in the cell that failed and in the proposed one. */
function linesOf({ lines }: IProposal): HTMLElement[] {
  const nodes = drawnLines(lines);
  let [was, is] = [0, 0];
  for (const { classList, dataset } of nodes) {
    if (!classList.contains('llm-new')) {
      dataset.was = `${(was += 1)}`;
    }
    if (!classList.contains('llm-old')) {
      dataset.is = `${(is += 1)}`;
    }
  }
  return nodes;
}

function drawnLines(lines: IProposal['lines']): HTMLElement[] {
  const nodes: HTMLElement[] = [];
  for (let at = 0; at < lines.length;) {
    const { sign, text } = lines[at];
    if (sign === ' ') {
      nodes.push(lineNode('', '', text));
      at += 1;
      continue;
    }
    let end = at;
    while (end < lines.length && lines[end].sign !== ' ') {
      end += 1;
    }
    nodes.push(...changeOf(lines.slice(at, end)));
    at = end;
  }
  return nodes;
}

/**
 * The removed lines, followed by the added ones. If there are as many of both,
 * each removed line is compared with the one that replaces it.
 */
function changeOf(lines: IProposal['lines']): HTMLElement[] {
  const gone = lines.filter(line => line.sign === '-');
  const come = lines.filter(line => line.sign === '+');
  if (gone.length === come.length && lines.length <= MOST_COMPARED) {
    const pairs = gone.map(({ text }, index) =>
      difference(text, come[index].text)
    );
    return [...pairs.map(([was]) => was), ...pairs.map(([, now]) => now)];
  }
  return [
    ...gone.map(({ text }) => lineNode('−', 'old', text)),
    ...come.map(({ text }) => lineNode('+', 'new', text))
  ];
}

function lineNode(sign: string, kind: string, text: string): HTMLElement {
  const label = { old: trans.__('was'), new: trans.__('now') }[kind] ?? null;
  return el(
    'div',
    `llm-diff-line${kind && ` llm-${kind}`}`,
    attrs(el('span', '', sign), { 'aria-label': label }),
    el('span', '', ...visibleNodes(text))
  );
}
