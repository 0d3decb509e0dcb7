/** What was used: the last seven days as bars, and today by model. */

import {
  isCount,
  isFlag,
  isNumber,
  isText,
  listOf,
  shape
} from '../../transcript/protocol/checks';
import { attrs, el } from '../../transcript/dom/elements';
import type { Child } from '../../transcript/dom/elements';
import type { IAnswered, IPanel } from '../section';
import { Section } from '../section';

interface IUsed {
  turns: number;
  tokens: number;
  cost: string;
  isBilled: boolean;
}

interface IAnswer {
  days: (IUsed & { day: string; share: number })[];
  week: IUsed;
  models: (IUsed & { model: string })[];
  today: IUsed;
}

const USED = {
  turns: isCount,
  tokens: isCount,
  cost: isText,
  isBilled: isFlag
};
const CHECK = shape({
  days: listOf(shape({ day: isText, share: isNumber, ...USED })),
  week: shape(USED),
  models: listOf(shape({ model: isText, ...USED })),
  today: shape(USED)
});

export class Usage extends Section<IAnswer> {
  // The whole journal is read for it.
  protected override readonly whileClosed = 'once';

  constructor(panel: IPanel) {
    super('usage', panel.trans.__('Usage'), panel, 'usage', CHECK);
  }

  protected draw(all: IAnswered<IAnswer>[]): Child[] {
    const { trans } = this;
    // Every kernel reads the same journal. Where it does not, the one in front counts.
    const answer = all[0]?.answer;
    if (!answer) {
      return [];
    }
    const { today, week } = answer;
    this.setSum(
      today.turns
        ? trans.__('%1 today', this.shortly(today))
        : trans.__('nothing today')
    );
    if (!week.turns) {
      return [this.empty(trans.__('Nothing was used in the last seven days.'))];
    }
    const head = el(
      'p',
      'llm-group-name',
      el('b', '', trans.__('Seven days')),
      el('span', 'llm-num', this.shortly(week))
    );
    return [
      head,
      ...this.bars(answer),
      ...(today.turns ? [this.table(answer)] : [])
    ];
  }

  private bars({ days }: IAnswer): HTMLElement[] {
    const spoken = days.map(
      day => `${weekday(day.day, 'long')}: ${this.shortly(day)}`
    );
    const bars = days.map((day, at) => {
      const one = el('i', at === days.length - 1 ? 'llm-today' : '');
      one.style.setProperty(
        '--n',
        `${Math.round(100 * Math.min(1, Math.max(0, day.share)))}%`
      );
      return attrs(one, { title: spoken[at] });
    });
    return [
      attrs(el('div', 'llm-days', ...bars), {
        role: 'img',
        'aria-label': spoken.join(', ')
      }),
      attrs(
        el(
          'div',
          'llm-days-names',
          ...days.map(({ day }) => el('span', '', weekday(day, 'short')))
        ),
        {
          'aria-hidden': 'true'
        }
      )
    ];
  }

  private table({ models, today }: IAnswer): HTMLElement {
    const { trans } = this;
    const row = (name: string, used: IUsed): HTMLElement =>
      el(
        'tr',
        '',
        attrs(el('th', '', name), { scope: 'row', title: name }),
        el('td', 'llm-wide', used.turns.toLocaleString()),
        el('td', '', tokens(used.tokens)),
        el('td', '', used.isBilled ? used.cost : trans.__('free'))
      );
    const head = [
      trans.__('Today'),
      trans.__('requests'),
      trans.__('tokens'),
      trans.__('cost')
    ];
    return el(
      'table',
      'llm-uses',
      el(
        'thead',
        '',
        el(
          'tr',
          '',
          ...head.map((text, at) =>
            attrs(el('th', at === 1 ? 'llm-wide' : '', text), { scope: 'col' })
          )
        )
      ),
      el('tbody', '', ...models.map(({ model, ...used }) => row(model, used))),
      el('tfoot', '', row(trans.__('Together'), today))
    );
  }

  /** The cost, or the tokens where there is none. */
  private shortly({ cost, tokens: count }: IUsed): string {
    return cost.startsWith('$')
      ? cost
      : this.trans.__('%1 tokens', tokens(count));
  }
}

function tokens(count: number): string {
  return count < 10_000
    ? count.toLocaleString()
    : `${Math.round(count / 1000).toLocaleString()}k`;
}

/** The name of a day such as `2025-11-27`, which is not read as a moment in another time zone. */
function weekday(day: string, length: 'short' | 'long'): string {
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year, month - 1, date).toLocaleDateString([], {
    weekday: length
  });
}
