/** Makes the drawer that a button opens in place of the row of buttons. */

import type { IRequest, Scope } from '../protocol/document';
import { el } from '../dom/elements';
import { nameNodes } from '../dom/visible';
import { EditDrawer } from './arguments/editDrawer';
import type { Params } from './arguments/params';
import type { DrawerName, IDrawer, Reply } from './decision/reply';
import { dropDrawer, grantDrawer, textDrawer } from './decision/simpleDrawers';
import { trans, withNodes } from '../dom/translation';

/** What a drawer needs from its card. */
export interface IDrawerContext {
  request: IRequest;
  /** Whether the outcome of the call is unknown. */
  isUnknown: boolean;
  params: Params;
  decide: (reply: Reply) => void;
  /** Close the drawer. */
  back: () => void;
  /** Called after something in the drawer was changed. */
  changed: () => void;
}

/** Make the drawer with this name. */
export function makeDrawer(name: DrawerName, card: IDrawerContext): IDrawer {
  const { request, isUnknown, params, decide, back, changed } = card;
  switch (name) {
    case 'edit':
      return new EditDrawer(
        request,
        params,
        changes => decide({ verdict: 'approved', arguments: changes }),
        back,
        changed
      );
    case 'deny':
      return textDrawer(
        [
          trans.__('Why not?'),
          ' ',
          aside(trans.__('optional; the model reads it and goes on'))
        ],
        trans.__('Deny'),
        text => decide({ verdict: 'denied', text }),
        back,
        false
      );
    case 'answer':
      return textDrawer(
        answerTitle(request, isUnknown),
        trans.__('Answer'),
        text => decide({ verdict: 'answered', text }),
        back,
        true
      );
    case 'grant':
      return grantDrawer(
        request,
        nameNodes(request.tool),
        (grant: Scope) => decide({ verdict: 'approved', grant }),
        back
      );
    case 'drop':
      return dropDrawer(
        isUnknown,
        () => decide({ verdict: 'abandoned', drop: true }),
        back
      );
  }
}

/** What is asked for above the text that the model is given in place of the tool's result. */
function answerTitle(
  { tool }: IRequest,
  isUnknown: boolean
): (string | Node)[] {
  if (isUnknown) {
    return [
      trans.__('What came of it?'),
      ' ',
      aside(trans.__('given to the model as its result'))
    ];
  }
  const code = el('code', '', ...nameNodes(tool));
  const meaning = withNodes(
    trans.__('given to the model as what %1 returned; the tool does not run'),
    code
  );
  return [trans.__('Your answer'), ' ', aside(...meaning)];
}

/** What follows from a text, beside the question for it. */
function aside(...text: (string | Node)[]): Node {
  return el('span', 'llm-type', ...text);
}
