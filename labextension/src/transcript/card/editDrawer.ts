/** Editing the arguments of a call: a field for each, and the difference in view. */

import type { IParam, IRequest } from '../document';
import { difference } from '../dom/difference';
import { attrs, button, el, refill } from '../dom/elements';
import { visible, visibleNodes } from '../dom/visible';
import { field } from './fields';
import type { IField } from './fields';
import { isSame, members } from './json';
import { problemOf } from './misfit';
import type { Params } from './params';
import type { IDrawer } from './reply';

/** The JSON text of each argument that was changed, `null` for one that was removed. */
export type Changes = Record<string, string | null>;

/** What is written in an editor. Read once after every change, for a value can be long. */
interface IReading {
  changes: Changes;
  /** Arguments whose fields hold what does not fit. */
  misfits: string[];
  /** Why it cannot be sent; empty where it can. */
  problem: string;
}

export class EditDrawer implements IDrawer {
  readonly node = el('div');
  readonly consenting: HTMLButtonElement[];
  first: HTMLElement;
  private readonly form = attrs(el('form'), { 'aria-label': 'Arguments' });
  private readonly diff = attrs(el('div', 'llm-diff'), {
    'aria-live': 'polite'
  });
  private readonly fields = new Map<string, IField>();
  private readonly asJson = el('textarea', 'llm-input');
  private readonly toggle: HTMLButtonElement;
  private json = false;
  private reading: IReading = {
    changes: noChanges(),
    misfits: [],
    problem: ''
  };

  constructor(
    private readonly request: IRequest,
    private readonly params: Params,
    send: (changes: Changes) => void,
    back: () => void,
    private readonly onChange: () => void
  ) {
    const submit = button('llm-button llm-primary', 'Approve edited', () => {
      if (!this.problem) {
        send(this.reading.changes);
      }
    });
    if (request.destructive) {
      submit.classList.add('llm-danger');
    }
    this.consenting = [submit];
    const leave = button('llm-button', 'Back', back);
    this.toggle = button('llm-plain llm-far', 'Edit as JSON', () =>
      this.switchView()
    );
    this.form.addEventListener('submit', event => event.preventDefault());
    this.form.addEventListener('keydown', event => this.onKey(event, submit));
    this.asJson.addEventListener('input', () => this.changed());
    attrs(this.asJson, {
      rows: '10',
      spellcheck: 'false',
      'aria-label': 'Arguments as JSON'
    });
    this.node.append(
      el('div', 'llm-edit', this.form, this.diff),
      el('div', 'llm-actions', submit, leave, this.toggle)
    );
    this.first = leave;
    this.fill();
  }

  /** Why it cannot be sent: nothing is changed, a value does not fit. Empty where it can. */
  get problem(): string {
    return this.params.unopened.length
      ? 'A long value is not here yet.'
      : this.reading.problem;
  }

  /** What its fine print says. */
  hint(): (Node | string)[] {
    const wrong = this.reading.misfits;
    const told =
      ' The model will be told what you changed. Esc goes back and keeps your edits.';
    if (wrong.length) {
      const lead =
        wrong.length === 1
          ? 'One value does not fit: '
          : 'Some values do not fit: ';
      const names = el('code', '', ...visibleNodes(wrong.join(', ')));
      return [
        el('span', '', el('span', 'llm-is-error', lead, names, '.'), told)
      ];
    }
    return [el('span', '', this.problem, told)];
  }

  private readFields(): IReading {
    const changes = noChanges();
    for (const param of this.request.params) {
      const now = this.fields.get(param.name)?.value();
      if (now !== undefined && !isAsBefore(now, this.before(param))) {
        changes[param.name] = now;
      }
    }
    const misfits = Object.keys(changes).filter(name =>
      this.fields.get(name)?.problem()
    );
    const problem = misfits.length
      ? 'A value does not fit.'
      : nothingOf(changes);
    return { changes, misfits, problem };
  }

  private before(param: IParam): string {
    const text = this.params.textOf(param) ?? '';
    return param.isText ? JSON.stringify(text) : text;
  }

  /** Make the fields; those of long values come when their text does. */
  private fill(): void {
    for (const param of this.request.params) {
      const place = el('div', 'llm-field');
      this.form.append(place);
      const text = this.params.textOf(param);
      if (text !== null) {
        this.addField(param, text, place);
        continue;
      }
      const label = el('p', 'llm-help', 'Fetching…');
      place.append(el('code', '', ...visibleNodes(param.name)), label);
      this.params.open(param.name).then(
        whole => {
          this.addField(param, whole, place);
          this.changed();
        },
        (error: unknown) => {
          label.textContent = String((error as Error)?.message ?? error);
        }
      );
    }
    const first = this.fields.values().next().value;
    this.first = first ? first.input : this.first;
    this.read();
  }

  private addField(param: IParam, text: string, place: HTMLElement): void {
    const made = field(param, text, () => this.changed());
    this.fields.set(param.name, made);
    place.replaceWith(made.node);
  }

  private changed(): void {
    this.read();
    for (const [name, made] of this.fields) {
      made.mark(name in this.reading.changes);
    }
    this.onChange();
  }

  private read(): void {
    this.reading = this.json ? this.readJson() : this.readFields();
    // What is not here yet would be missing in the JSON.
    this.toggle.hidden = this.params.unopened.length > 0;
    this.showDifference();
  }

  private showDifference(): void {
    const { changes } = this.reading;
    const names = Object.keys(changes);
    const all = this.request.params.map(param => param.name);
    const items = names.map(name => {
      const param = this.request.params.find(one => one.name === name);
      const before = param ? this.shown(this.before(param), param) : '';
      const after = changes[name];
      const now = after === null ? '' : this.shown(after, param);
      return el(
        'div',
        'llm-diff-item',
        el('code', '', ...visibleNodes(name)),
        ...difference(before, now)
      );
    });
    const rest = all.filter(name => !(name in changes));
    refill(
      this.diff,
      el(
        'h4',
        '',
        'Difference ',
        el('span', '', `${names.length} of ${all.length} arguments`)
      ),
      ...items,
      rest.length > 0 &&
        el(
          'p',
          'llm-same',
          'Unchanged: ',
          ...rest.flatMap((name, at) => [
            at > 0 && ', ',
            el('code', '', ...visibleNodes(name))
          ])
        )
    );
  }

  /** A string without its quotes, anything else as JSON. */
  private shown(json: string, param: IParam | undefined): string {
    if (param && !param.isText) {
      return json;
    }
    try {
      const value: unknown = JSON.parse(json);
      return typeof value === 'string' ? value : json;
    } catch {
      return json;
    }
  }

  /** From fields to one JSON text, and back to the fields as they were left. */
  private switchView(): void {
    if (!this.json) {
      const { changes } = this.reading;
      const lines = this.request.params.flatMap(param => {
        const text =
          param.name in changes ? changes[param.name] : this.before(param);
        return text === null
          ? []
          : [`  ${JSON.stringify(param.name)}: ${text}`];
      });
      this.asJson.value = `{\n${lines.join(',\n')}\n}`;
      refill(this.form, this.asJson);
    } else {
      refill(this.form, ...[...this.fields.values()].map(made => made.node));
    }
    this.json = !this.json;
    this.toggle.textContent = this.json ? 'Edit in fields' : 'Edit as JSON';
    this.changed();
  }

  private readJson(): IReading {
    const changes = noChanges();
    const misfits: string[] = [];
    const now = members(this.asJson.value);
    if (!now) {
      return { changes, misfits, problem: whyNot(this.asJson.value) };
    }
    for (const param of this.request.params) {
      const text = now.get(param.name) ?? null;
      if (!isAsBefore(text, this.before(param))) {
        changes[param.name] = text;
      }
      now.delete(param.name);
    }
    now.forEach((text, name) => {
      changes[name] = text;
    });
    const misfit = this.request.params.find(
      param => changes[param.name] && problemOf(changes[param.name]!, param)
    );
    if (misfit) {
      const why = problemOf(changes[misfit.name]!, misfit);
      const problem = `${visible(misfit.name)}: ${why}`;
      return { changes, misfits, problem };
    }
    return { changes, misfits, problem: nothingOf(changes) };
  }

  private onKey(event: KeyboardEvent, submit: HTMLButtonElement): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit.click();
    }
  }
}

/** Without a prototype: an argument may have any name. */
function noChanges(): Changes {
  return Object.create(null) as Changes;
}

function nothingOf(changes: Changes): string {
  return Object.keys(changes).length ? '' : 'Nothing is changed.';
}

function isAsBefore(now: string | null, before: string): boolean {
  return now !== null && isSame(now, before);
}

/** What is wrong with the text of an object, in the words of the browser's parser. */
function whyNot(text: string): string {
  try {
    JSON.parse(text);
    return 'This must be one JSON object.';
  } catch (error) {
    return `This is not JSON: ${visible((error as Error).message)}`;
  }
}
