/** Keys: which there are, and a form that sends one to the kernel. A key that was sent is never shown, here or anywhere. */

import { isText, listOf, shape } from '../../transcript/protocol/checks';
import {
  attrs,
  button,
  el,
  refill,
  uniqueId
} from '../../transcript/dom/elements';
import type { Child } from '../../transcript/dom/elements';
import { sentenceOf } from '../../transcript/dom/formatting';
import { List, plain } from '../list';
import type { IItem } from '../list';
import { distinct, kernelHead } from './models';
import type { IAnswered, IPanel } from '../section';
import { sayLine } from '../lines';
import { Section } from '../section';
import type { ISource } from '../sources';

interface IAnswer {
  keys: { name: string; title: string; from: string }[];
  providers: { name: string; title: string }[];
  said: string;
}

const CHECK = shape({
  keys: listOf(shape({ name: isText, title: isText, from: isText })),
  providers: listOf(shape({ name: isText, title: isText })),
  said: isText
});

export class Keys extends Section<IAnswer> {
  private readonly lists = new Map<unknown, List>();
  private readonly said = attrs(el('div'), { 'aria-live': 'polite' });
  private readonly form = el('form', 'llm-form');
  private readonly provider = attrs(el('select', 'llm-input'), {
    id: uniqueId()
  });
  private readonly key = attrs(el('input', 'llm-input'), {
    id: uniqueId(),
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false'
  });
  private readonly help = attrs(el('p', 'llm-help'), { id: uniqueId() });
  private readonly save: HTMLButtonElement;
  private readonly add: HTMLElement;
  /** The key that is about to be removed. */
  private leaving = '';
  /** What had the focus before the form. */
  private opener: HTMLElement | null = null;
  private latest: IAnswered<IAnswer>[] = [];

  constructor(panel: IPanel) {
    const { trans } = panel;
    super('keys', trans.__('Keys'), panel, 'keys', CHECK);
    this.save = button(
      'llm-button',
      trans.__('Save and test'),
      () => void this.store()
    );
    this.add = plain(trans.__('Add a key…'), () => this.enter(''));
    this.form.hidden = true;
    attrs(this.key, { 'aria-describedby': this.help.id });
    this.form.append(
      attrs(el('label', '', trans.__('Provider')), { for: this.provider.id }),
      this.provider,
      attrs(el('label', '', trans.__('Key')), { for: this.key.id }),
      this.key,
      this.help,
      el(
        'div',
        'llm-do',
        this.save,
        plain(trans.__('Cancel'), () => this.close())
      )
    );
    this.form.addEventListener('submit', event => {
      event.preventDefault();
      void this.store();
    });
    this.form.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this.close();
      }
    });
  }

  /** Open the form for the key of a provider. When it closes, `opener` has the focus again. */
  enter(name: string, opener = document.activeElement): void {
    this.opener = opener as HTMLElement | null;
    this.form.hidden = false;
    this.redraw();
    if (name) {
      this.choices(name);
    }
    (name ? this.key : this.provider).focus();
  }

  /** Close the form. The panel stays where it is if something is said here that is to be read. */
  private close(options: FocusOptions = {}): void {
    this.key.value = '';
    this.form.hidden = true;
    this.redraw();
    (this.opener?.isConnected ? this.opener : this.add).focus(options);
  }

  /** The kernel that a new key goes to. */
  private get target(): ISource | undefined {
    return this.panel.sources.asked[0];
  }

  private async store(): Promise<void> {
    const { target, trans } = this;
    if (!target || this.save.getAttribute('aria-disabled') === 'true') {
      return;
    }
    attrs(this.save, { 'aria-disabled': 'true' });
    refill(this.said, sayLine(trans.__('Saving and testing…'), ''));
    try {
      const [name, key] = [this.provider.value, this.key.value];
      const answer = await this.ask(target, { about: 'store-key', name, key });
      this.close({ preventScroll: true });
      this.tell(target, answer);
    } catch (error) {
      refill(this.said, sayLine(sentenceOf(error), 'llm-bad'));
      this.key.focus();
    } finally {
      attrs(this.save, { 'aria-disabled': null });
    }
  }

  private async remove(source: ISource, name: string): Promise<void> {
    this.leaving = '';
    try {
      this.tell(source, await this.ask(source, { about: 'remove-key', name }));
    } catch (error) {
      refill(this.said, sayLine(sentenceOf(error), 'llm-bad'));
      this.redraw();
    }
  }

  private tell(source: ISource, answer: IAnswer): void {
    refill(this.said, sayLine(answer.said, 'llm-ok'));
    this.take(source, { ...answer, said: '' });
    this.panel.show('');
  }

  protected draw(all: IAnswered<IAnswer>[]): Child[] {
    const { trans } = this;
    this.latest = all;
    const parts = distinct(all);
    this.setSum(
      parts
        .map(({ answer }) => answer.keys.length || trans.__('none'))
        .join(trans.__(' and '))
    );
    const shown = parts.flatMap(({ source, answer }) => {
      const list =
        this.lists.get(source.bus) ?? new List(this.trans.__('Keys'));
      this.lists.set(source.bus, list);
      list.draw(answer.keys.map(key => this.item(source, key)));
      return [
        ...(parts.length > 1 ? [kernelHead(source)] : []),
        answer.keys.length
          ? list.node
          : this.empty(
              trans.__('No key is stored. A model on this computer needs none.')
            )
      ];
    });
    const name = this.target?.name ?? '';
    refill(
      this.help,
      trans.__(
        'Goes to the kernel of %1 and into its key file, readable only by you. It is never in a notebook and cannot be read back here.',
        name
      )
    );
    this.choices(this.provider.value);
    return [this.said, ...shown, this.form.hidden ? this.add : this.form];
  }

  private choices(chosen: string): void {
    const [first] = this.latest;
    const names = first?.answer.providers ?? [];
    const own = (first?.answer.keys ?? []).filter(
      ({ title, from }) => !title && from === 'stored'
    );
    const others = [
      ...names,
      ...own.map(({ name }) => ({ name, title: name }))
    ];
    if (chosen && !others.some(({ name }) => name === chosen)) {
      others.push({ name: chosen, title: chosen });
    }
    refill(
      this.provider,
      ...others.map(({ name, title }) =>
        attrs(el('option', '', title), { value: name })
      )
    );
    this.provider.value = chosen || others[0]?.name || '';
  }

  private item(
    source: ISource,
    { name, title, from }: IAnswer['keys'][0]
  ): IItem {
    const { trans } = this;
    const isStored = from === 'stored';
    const isLeaving = this.leaving === name;
    const ask = (leaving: string): void => {
      this.leaving = leaving;
      this.redraw();
    };
    return {
      key: name,
      name: [title || name],
      title: name,
      number: isStored ? trans.__('stored') : trans.__('from %1', from),
      shows: isLeaving,
      cancel: isLeaving ? () => ask('') : undefined,
      under: isLeaving
        ? [trans.__('Remove it? Models of this key cannot be used then.')]
        : [],
      actions: !isStored
        ? []
        : isLeaving
          ? [
              plain(
                trans.__('Remove the key'),
                () => void this.remove(source, name)
              ),
              plain(trans.__('Keep'), () => ask(''))
            ]
          : [
              plain(trans.__('Replace…'), () => this.enter(name)),
              plain(trans.__('Remove…'), () => ask(name))
            ]
    };
  }
}
