/** The models that each kernel can use, what they can do and cost, and what a key would add. */

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
import { List, plain, searchField } from '../list';
import type { IItem } from '../list';
import type { IAnswered, IPanel } from '../section';
import { Section } from '../section';
import type { ISource } from '../sources';

interface IModel {
  id: string;
  abilities: string[];
  context: string;
  input: string;
  output: string;
  isDefault: boolean;
  place: string;
  key: string;
}

interface IAnswer {
  default: string;
  groups: { key: string; title: string; models: IModel[] }[];
  count: number;
  found: number;
}

const CHECK = shape({
  default: isText,
  groups: listOf(
    shape({
      key: isText,
      title: isText,
      models: listOf(
        shape({
          id: isText,
          abilities: listOf(isText),
          context: isText,
          input: isText,
          output: isText,
          isDefault: isFlag,
          place: isText,
          key: isText
        })
      )
    })
  ),
  count: isCount,
  found: isCount
});

export class Models extends Section<IAnswer> {
  private readonly search: HTMLInputElement;
  private readonly lists = new Map<string, List>();
  private readonly enterButtons = new Map<string, HTMLElement>();

  // The title says what every kernel tells anyway.
  protected override readonly whileClosed = 'never';

  /** @param enterKey opens the form for a key. */
  constructor(
    panel: IPanel,
    private readonly enterKey: (name: string) => void
  ) {
    super('models', panel.trans.__('Models'), panel, 'models', CHECK);
    this.search = searchField(panel.trans.__('Find a model'), () =>
      this.refresh()
    );
    const followed = (): void =>
      this.setSum(panel.sources.asked[0]?.bus.overview.latest?.default ?? '');
    panel.sources.changed.connect(followed);
    followed();
  }

  protected override question(): Partial<Question> {
    return { query: this.search.value };
  }

  /** The button of a group that opens the form for its key. It stays the same one, since the form gives the focus back to it. */
  private enterButton(group: string, name: string, title: string): HTMLElement {
    const { trans } = this;
    const node =
      this.enterButtons.get(group) ??
      plain(trans.__('Enter…'), () => this.enterKey(name));
    this.enterButtons.set(group, node);
    return attrs(node, { 'aria-label': trans.__('Enter a key for %1', title) });
  }

  protected draw(all: IAnswered<IAnswer>[]): Child[] {
    const { trans } = this;
    const parts = distinct(all);
    const [first] = parts;
    this.setSum(
      parts.length > 1
        ? trans.__('differ by kernel')
        : (first?.answer.default ?? '')
    );
    const used = new Set<string>();
    const shown = parts.flatMap(({ source, answer }) => [
      ...(parts.length > 1 ? [kernelHead(source)] : []),
      ...this.groups(source, answer, used)
    ]);
    const isEmpty = parts.every(({ answer }) => answer.found === 0);
    return [
      this.search,
      ...shown,
      isEmpty && parts.length
        ? this.empty(trans.__('No model matches.'))
        : this.empty(
            trans.__('Prices in dollars for a million tokens, in / out.')
          )
    ];
  }

  private groups(source: ISource, answer: IAnswer, used: Set<string>): Node[] {
    const { trans } = this;
    return answer.groups.flatMap(group => {
      if (!group.models.length) {
        return [];
      }
      const key = JSON.stringify([source.panel.id, group.key]);
      const title = group.title || trans.__('Ready now');
      const list = this.lists.get(key) ?? new List(title);
      this.lists.set(key, list);
      used.add(key);
      list.draw(group.models.map(model => this.item(source, model)));
      const lacking = group.key
        ? el(
            'span',
            'llm-need',
            trans.__('no key'),
            ' ',
            this.enterButton(key, group.key, title)
          )
        : null;
      return [
        el('p', 'llm-group-name', el('b', '', title), lacking),
        list.node
      ];
    });
  }

  private item(source: ISource, model: IModel): IItem {
    const { panel, trans } = this;
    const { id, input, output } = model;
    const price = output
      ? `$${input} / $${output}`
      : input === 'free'
        ? trans.__('free')
        : '';
    const key =
      model.key === 'stored'
        ? trans.__('key stored')
        : model.key && trans.__('key from %1', model.key);
    const makeDefault = plain(trans.__('Make default'), () =>
      source.bus.setDefault(id)
    );
    const prompt = plain(trans.__('New prompt'), () =>
      panel.prompt(`%%llm -m ${id}\n`)
    );
    attrs(prompt, { 'aria-disabled': panel.canPrompt() ? null : 'true' });
    return {
      key: id,
      name: model.isDefault
        ? [el('b', '', id), ` ${trans.__('default')}`]
        : [id],
      title: id,
      number: price || trans.__('no price'),
      under: [
        model.place,
        ...(model.abilities.length ? model.abilities : [trans.__('text only')]),
        model.context && trans.__('%1 tokens', model.context),
        key
      ].filter(Boolean),
      actions: [...(model.isDefault ? [] : [makeDefault]), prompt]
    };
  }
}

/** The answers of kernels that differ: one of each kind. */
export function distinct<T>(all: IAnswered<T>[]): IAnswered<T>[] {
  const seen = new Set<string>();
  return all.filter(({ answer }) => {
    const key = JSON.stringify({ ...answer, answers: '' });
    return !seen.has(key) && Boolean(seen.add(key));
  });
}

/** The line above what one of several kernels says. */
export function kernelHead({ name, panel }: ISource): HTMLElement {
  const head = el('p', 'llm-group-name llm-kernel');
  const display = panel.sessionContext.kernelDisplayName;
  refill(head, el('b', '', name), el('span', '', display));
  return head;
}
