/** The models on the computer of a kernel: installed, removed, and fetched while cells run. */

import {
  isCount,
  isFlag,
  isText,
  listOf,
  maybe,
  shape
} from '../../transcript/protocol/checks';
import { attrs, el, refill, uniqueId } from '../../transcript/dom/elements';
import type { Child } from '../../transcript/dom/elements';
import { sentenceOf } from '../../transcript/dom/formatting';
import { icon } from '../../transcript/dom/icons';
import type { Question } from '../../lab/kernel/questions';
import { bar, List, plain } from '../list';
import type { IItem } from '../list';
import { distinct, kernelHead } from './models';
import type { IAnswered, IPanel } from '../section';
import { sayLine } from '../lines';
import { Section } from '../section';
import type { ISource } from '../sources';

interface IInstalling {
  source: string;
  line: string;
  percent?: number | null;
  problem: string;
}

interface IAnswer {
  models: {
    name: string;
    size: string;
    about: string;
    from: string;
    isWhole: boolean;
  }[];
  offers: { name: string; size: string }[];
  installing: IInstalling[];
  said: string;
}

const CHECK = shape({
  models: listOf(
    shape({
      name: isText,
      size: isText,
      about: isText,
      from: isText,
      isWhole: isFlag
    })
  ),
  offers: listOf(shape({ name: isText, size: isText })),
  installing: listOf(
    shape({
      source: isText,
      line: isText,
      percent: maybe(isCount),
      problem: isText
    })
  ),
  said: isText
});

const EXAMPLE = 'hf:OWNER/REPO/FILE.gguf';

export class Local extends Section<IAnswer> {
  private readonly lists = new Map<unknown, List>();
  private readonly said = attrs(el('div'), { 'aria-live': 'polite' });
  private readonly followed = new WeakSet<object>();
  private readonly form = el('form', 'llm-form');
  private readonly address = attrs(el('input', 'llm-input'), {
    id: uniqueId(),
    type: 'text',
    autocomplete: 'off',
    spellcheck: 'false'
  });
  private leaving = '';

  constructor(panel: IPanel) {
    const { trans } = panel;
    super('local', trans.__('Local models'), panel, 'local', CHECK);
    this.form.append(
      attrs(el('label', '', trans.__('Another GGUF file')), {
        for: this.address.id
      }),
      attrs(this.address, { placeholder: EXAMPLE }),
      el(
        'p',
        'llm-help',
        trans.__(
          'An address, hf:OWNER/REPO/FILE.gguf, or a path on the kernel’s computer.'
        )
      ),
      el(
        'div',
        'llm-do',
        plain(trans.__('Install'), () => this.install())
      )
    );
    this.form.addEventListener('submit', event => {
      event.preventDefault();
      this.install();
    });
  }

  protected draw(all: IAnswered<IAnswer>[]): Child[] {
    const { trans } = this;
    all.forEach(({ source }) => this.follow(source));
    const parts = distinct(all);
    const whole = parts.map(
      ({ answer }) => answer.models.filter(({ isWhole }) => isWhole).length
    );
    this.setSum(
      whole
        .map(number =>
          number ? trans.__('%1 installed', number) : trans.__('none')
        )
        .join(', ')
    );
    const shown = parts.flatMap(({ source, answer }) => {
      const list =
        this.lists.get(source.bus) ?? new List(trans.__('Local models'));
      this.lists.set(source.bus, list);
      list.draw(this.items(source, answer));
      return [...(parts.length > 1 ? [kernelHead(source)] : []), list.node];
    });
    return [this.said, ...shown, this.form];
  }

  /** Hear of installations as they move, whether they were begun here or on another page. */
  private follow(source: ISource): void {
    const { bus } = source;
    if (!this.followed.has(bus)) {
      this.followed.add(bus);
      bus.questions.told.connect((_, news) => {
        if (news.about === 'local' && this.isOpen) {
          this.take(source, this.read(news));
        }
      });
    }
  }

  private install(): void {
    const source = this.address.value.trim();
    const [target] = this.panel.sources.asked;
    if (source && target) {
      void this.change(target, { about: 'install', source }).then(isDone => {
        this.address.value = isDone ? '' : this.address.value;
      });
    }
  }

  /** Have the kernel change something. Resolves to whether it did. */
  private async change(source: ISource, question: Question): Promise<boolean> {
    this.leaving = '';
    try {
      const answer = await this.ask(source, question);
      refill(this.said, answer.said ? sayLine(answer.said, 'llm-ok') : null);
      this.take(source, { ...answer, said: '' });
      return true;
    } catch (error) {
      refill(this.said, sayLine(sentenceOf(error), 'llm-bad'));
      this.redraw();
      return false;
    }
  }

  private items(source: ISource, answer: IAnswer): IItem[] {
    const { trans } = this;
    const coming = answer.installing.map(({ source: from }) => nameOf(from));
    return [
      ...answer.models
        .filter(({ isWhole, name }) => isWhole || !coming.includes(name))
        .map(model => this.installed(source, model)),
      ...answer.installing.map(one => this.coming(source, one)),
      ...answer.offers
        .filter(({ name }) => !coming.includes(name))
        .map(({ name, size }) => ({
          key: `offer ${name}`,
          name: [name],
          title: name,
          number: size,
          under: [trans.__('text only'), trans.__('needs no key')],
          shows: true,
          actions: [
            plain(
              icon('insert'),
              () =>
                void this.change(source, { about: 'install', source: name }),
              trans.__('Install')
            )
          ]
        }))
    ];
  }

  private installed(source: ISource, model: IAnswer['models'][0]): IItem {
    const { trans } = this;
    const { name, size } = model;
    const isLeaving = this.leaving === name;
    const ask = (leaving: string): void => {
      this.leaving = leaving;
      this.redraw();
    };
    const remove = (): void =>
      void this.change(source, { about: 'remove-model', name });
    const goOn = (): void =>
      void this.change(source, { about: 'install', source: model.from });
    return {
      key: name,
      name: [name],
      title: model.from || name,
      number: size,
      under: isLeaving
        ? [trans.__('Remove it from this computer? Conversations stay.')]
        : model.isWhole
          ? [model.about, trans.__('installed')].filter(Boolean)
          : [
              model.from
                ? trans.__('not complete')
                : trans.__('not complete: install it again to go on')
            ],
      shows: true,
      cancel: isLeaving ? () => ask('') : undefined,
      actions: isLeaving
        ? [
            plain(trans.__('Remove %1', size), remove),
            plain(trans.__('Keep'), () => ask(''))
          ]
        : [
            ...(model.isWhole || !model.from
              ? []
              : [plain(icon('retry'), goOn, trans.__('Go on'))]),
            plain(trans.__('Remove…'), () => ask(name))
          ]
    };
  }

  private coming(source: ISource, one: IInstalling): IItem {
    const { trans } = this;
    const cancel = (): void =>
      void this.change(source, { about: 'cancel', source: one.source });
    const again = (): void =>
      void this.change(source, { about: 'install', source: one.source });
    return {
      key: `coming ${one.source}`,
      name: [nameOf(one.source)],
      title: one.source,
      number: one.problem ? '' : `${one.percent ?? 0} %`,
      below: one.problem
        ? [el('p', 'llm-say llm-bad', one.problem)]
        : [bar((one.percent ?? 0) / 100, one.line, true)],
      under: one.problem ? [] : [one.line],
      shows: true,
      actions: one.problem
        ? [
            plain(icon('retry'), again, trans.__('Go on')),
            plain(trans.__('Take off the list'), cancel)
          ]
        : [plain(icon('cross'), cancel, trans.__('Cancel'))]
    };
  }
}

/** The name of the file, which is in full in the row's title. */
function nameOf(source: string): string {
  const [path] = source.split(/[?#]/, 1);
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.replace(/\.gguf$/i, '') || source;
}
