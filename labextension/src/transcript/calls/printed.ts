/** Draws what a tool has printed. */

import type { ICallBlock } from '../protocol/document';
import { well, wellLabel } from '../dom/boxes';
import { attrs } from '../dom/elements';
import { count } from '../dom/formatting';
import { visibleName, visibleNodes } from '../dom/visible';
import { trans } from '../dom/translation';

/** What the tool has printed, exactly as text. What is missing is said outside of the wells, where only we write. */
export function printedNodes({ name, printed }: ICallBlock): HTMLElement[] {
  if (!printed?.text) {
    return [];
  }
  const { text, cut } = printed;
  const label = trans.__('Printed by %1', visibleName(name));
  const printedWell = (part: string): HTMLElement => {
    const node = well(...visibleNodes(part));
    node.classList.add('llm-long', 'llm-printed');
    return attrs(node, { tabindex: '0', 'aria-label': label });
  };
  if (!cut) {
    return [wellLabel(trans.__('Printed')), printedWell(text)];
  }
  return [
    wellLabel(trans.__('Printed')),
    printedWell(text.slice(0, cut.at)),
    wellLabel(trans.__('%1 characters are not kept', count(cut.hidden))),
    printedWell(text.slice(cut.at))
  ];
}
