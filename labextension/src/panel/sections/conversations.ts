/** Conversations of the notebook in front and of others: to find, read, continue and export. */

import {
  isCount,
  isFlag,
  isText,
  listOf,
  shape
} from '../../transcript/protocol/checks';
import { attrs, el, refill } from '../../transcript/dom/elements';
import type { Child } from '../../transcript/dom/elements';
import type { Question } from '../../lab/kernel/questions';
import { List, marked, plain, searchField } from '../list';
import type { IItem } from '../list';
import type { IAnswered, IPanel } from '../section';
import { when } from '../lines';
import { Section } from '../section';
import type { ISource } from '../sources';

export interface ITalk {
  id: string;
  title: string;
  notebook: string;
  model: string;
  at: string;
  turns: number;
  found: string;
}

interface IAnswer {
  conversations: ITalk[];
  count: number;
  isMore: boolean;
}

export const IS_TALK = shape({
  id: isText,
  title: isText,
  notebook: isText,
  model: isText,
  at: isText,
  turns: isCount,
  found: isText
});
const CHECK = shape({
  conversations: listOf(IS_TALK),
  count: isCount,
  isMore: isFlag
});
const STEP = 20;

export class Conversations extends Section<IAnswer> {
  private readonly search: HTMLInputElement;
  private readonly here: List;
  private readonly others: List;
  private readonly between = el('p', 'llm-group-name');
  private readonly above = el('p', 'llm-group-name');
  private readonly more: HTMLElement;
  private readonly nothing = el('p', 'llm-empty');
  private most = STEP;

  // A page of them is read for it.
  protected override readonly whileClosed = 'once';

  constructor(panel: IPanel) {
    const { trans } = panel;
    super(
      'conversations',
      trans.__('Conversations'),
      panel,
      'conversations',
      CHECK
    );
    this.here = new List(trans.__('Conversations of this notebook'));
    this.others = new List(trans.__('Conversations of other notebooks'));
    this.search = searchField(trans.__('Search what was said'), () =>
      this.refresh()
    );
    this.more = plain(trans.__('Show more'), () => {
      this.most += STEP;
      this.refresh();
    });
    this.more.classList.add('llm-more');
  }

  protected override question(): Partial<Question> {
    return { query: this.search.value, most: this.most };
  }

  protected draw(all: IAnswered<IAnswer>[]): Child[] {
    const { trans } = this;
    const { chosen, front } = this.panel.sources;
    const found = new Map<string, { source: ISource; talk: ITalk }>();
    for (const { source, answer } of all) {
      for (const talk of answer.conversations) {
        if (!found.has(talk.id) && (!chosen || talk.notebook === chosen)) {
          found.set(talk.id, { source, talk });
        }
      }
    }
    const talks = [...found.values()].sort((a, b) =>
      b.talk.at.localeCompare(a.talk.at)
    );
    const path = front?.context.path;
    const own = talks.filter(({ talk }) => talk.notebook === path);
    const others = talks.filter(({ talk }) => talk.notebook !== path);
    const query = this.search.value.trim();
    const count = chosen
      ? talks.length
      : Math.max(0, ...all.map(({ answer }) => answer.count));
    const isMore = all.some(({ answer }) => answer.isMore);
    this.setSum(count ? `${count}${isMore ? '+' : ''}` : trans.__('none'));
    this.here.draw(own.map(one => this.item(one.source, one.talk, false)));
    this.others.draw(others.map(one => this.item(one.source, one.talk, true)));
    refill(this.above, el('b', '', nameOf(path ?? '')));
    refill(this.between, el('b', '', trans.__('Other notebooks')));
    if (!talks.length) {
      refill(
        this.nothing,
        query
          ? trans.__('Nothing said “%1”. ', query)
          : trans.__('None yet. A prompt begins one.'),
        query ? this.clear() : null
      );
    }
    return [
      this.search,
      ...(own.length ? [this.above, this.here.node] : []),
      ...(others.length ? [this.between, this.others.node] : []),
      ...(talks.length ? [] : [this.nothing]),
      ...(count > talks.length && this.most <= talks.length ? [this.more] : [])
    ];
  }

  private clear(): HTMLElement {
    return plain(this.trans.__('Clear'), () => {
      this.search.value = '';
      this.search.focus();
      this.refresh();
    });
  }

  private item(source: ISource, talk: ITalk, names: boolean): IItem {
    const { panel, trans } = this;
    const title = talk.title || trans.__('Without a text');
    const open = (): void => panel.open(source, talk.id);
    const go = plain(trans.__('Continue here'), () =>
      panel.prompt(`%%llm --cid ${talk.id}\n`)
    );
    attrs(go, { 'aria-disabled': panel.canPrompt() ? null : 'true' });
    return {
      key: talk.id,
      name: [title],
      title,
      number: when(talk.at),
      under: [
        ...(names ? [nameOf(talk.notebook)] : []),
        talk.model,
        trans._n('%1 turn', '%1 turns', talk.turns),
        ...(talk.found
          ? [el('span', 'llm-said', ...marked(talk.found, this.search.value))]
          : [])
      ].filter(Boolean),
      open,
      actions: [
        plain(trans.__('Open'), open),
        go,
        plain(trans.__('Export…'), () => panel.write(source, talk.id))
      ]
    };
  }
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
