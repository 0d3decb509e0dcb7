/** Makes the drawer that a button opens in place of the row of buttons. */

import type { IRequest, Scope } from '../protocol/document';
import { el } from '../dom/elements';
import { nameNodes } from '../dom/visible';
import { EditDrawer } from './arguments/editDrawer';
import type { Params } from './arguments/params';
import type { DrawerName, IDrawer, Reply } from './decision/reply';
import { dropDrawer, grantDrawer, textDrawer } from './decision/simpleDrawers';

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

export function makeDrawer(name: DrawerName, card: IDrawerContext): IDrawer {
  const { request, isUnknown, params, decide, back, changed } = card;
  const tool = (): Node[] => nameNodes(request.tool);
  const aside = (...text: (string | Node)[]): Node =>
    el('span', 'llm-type', ...text);
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
        ['Why not? ', aside('optional; the model reads it and goes on')],
        'Deny',
        text => decide({ verdict: 'denied', text }),
        back,
        false
      );
    case 'answer':
      return textDrawer(
        isUnknown
          ? ['What came of it? ', aside('given to the model as its result')]
          : [
              'Your answer ',
              aside(
                'given to the model as what ',
                el('code', '', ...tool()),
                ' returned; the tool does not run'
              )
            ],
        'Answer',
        text => decide({ verdict: 'answered', text }),
        back,
        true
      );
    case 'grant':
      return grantDrawer(
        request,
        tool(),
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
