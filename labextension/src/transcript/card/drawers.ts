/** What each button of a card opens in place of the buttons. */

import type { IRequest, Scope } from '../document';
import { el } from '../dom/elements';
import { visibleNodes } from '../dom/visible';
import { EditDrawer } from './editDrawer';
import type { Params } from './params';
import type { DrawerName, IDrawer, Reply } from './reply';
import { granting, writing } from './simpleDrawers';

export interface IDrawerOf {
  request: IRequest;
  /** Whether it is asked what became of the call. */
  unknown: boolean;
  params: Params;
  decide: (reply: Reply) => void;
  back: () => void;
  /** Something in it was changed. */
  changed: () => void;
}

/** Make a drawer. */
export function makeDrawer(name: DrawerName, card: IDrawerOf): IDrawer {
  const { request, unknown, params, decide, back, changed } = card;
  const tool = (): Node[] => visibleNodes(request.tool);
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
      return writing(
        ['Why not? ', aside('optional; the model reads it and goes on')],
        'Deny',
        text => decide({ verdict: 'denied', text }),
        back,
        false
      );
    case 'answer':
      return writing(
        unknown
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
      return granting(
        request,
        tool(),
        (grant: Scope) => decide({ verdict: 'approved', grant }),
        back
      );
  }
}
