/** The drawer in which a reader edits the arguments of a call, with the difference beside them. */

import type { IParam, IRequest } from '../../protocol/document';
import { difference } from '../../dom/difference';
import { attrs, button, el, refill } from '../../dom/elements';
import { sentenceOf } from '../../dom/formatting';
import { mixedWordsNote } from '../../dom/scripts';
import { nameNodes, visible, visibleJson } from '../../dom/visible';
import { makeField } from './fields';
import type { IField } from './fields';
import { isSame, membersOf } from './json';
import { problemOf } from './misfit';
import type { Params } from './params';
import { writeVisibly } from './textBox';
import type { IDrawer } from '../decision/reply';
import { trans, withNodes } from '../../dom/translation';

/** The JSON text of each argument that was changed, and `null` for each one that was removed. */
export type Changes = Record<string, string | null>;

/** What the form says. It is read once after every change, because values can be long. */
interface IReading {
  changes: Changes;
  /** The names of the arguments whose fields do not fit. */
  misfits: string[];
  /** Why it cannot be sent; empty if it can. */
  problem: string;
}

/** The drawer. */
export class EditDrawer implements IDrawer {
  readonly node = el('div');
  readonly consenting: HTMLButtonElement[];
  private readonly form = attrs(el('form'), {
    'aria-label': trans.__('Arguments')
  });
  private readonly diff = attrs(el('div', 'llm-diff'), {
    'aria-live': 'polite'
  });
  private readonly fields = new Map<string, IField>();
  private readonly jsonInput = el('textarea', 'llm-input');
  private readonly jsonNote = el('p', 'llm-help llm-is-warn');
  private readonly leave: HTMLButtonElement;
  private readonly toggle: HTMLButtonElement;
  /** Whether the arguments are edited as one JSON text, not in fields. */
  private isJson = false;
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
    const submit = button(
      'llm-button llm-primary',
      trans.__('Approve edited'),
      () => {
        if (!this.problem) {
          send(this.reading.changes);
        }
      }
    );
    if (request.destructive) {
      submit.classList.add('llm-danger');
    }
    this.consenting = [submit];
    const leave = button('llm-button', trans.__('Back'), back);
    this.toggle = button('llm-plain llm-far', trans.__('Edit as JSON'), () =>
      this.switchView()
    );
    this.form.addEventListener('submit', event => event.preventDefault());
    this.form.addEventListener('keydown', event => this.onKey(event, submit));
    writeVisibly(this.jsonInput);
    this.jsonInput.addEventListener('input', () => this.changed());
    attrs(this.jsonInput, {
      rows: '10',
      spellcheck: 'false',
      'aria-label': trans.__('Arguments as JSON')
    });
    this.node.append(
      el('div', 'llm-edit', this.form, this.diff),
      el('div', 'llm-actions', submit, leave, this.toggle)
    );
    this.leave = leave;
    this.makeFields();
  }

  get initialFocus(): HTMLElement {
    const first = this.fields.values().next().value;
    return this.isJson ? this.jsonInput : (first?.input ?? this.leave);
  }

  /** Why the form cannot be sent, such as that nothing is changed; empty if it can. */
  get problem(): string {
    return this.params.unopened.length
      ? trans.__('A long value is not here yet.')
      : this.reading.problem;
  }

  /** The hint below the buttons. */
  hint(): (Node | string)[] {
    const { misfits } = this.reading;
    const rest = trans.__(
      'The model will be told what you changed. Esc goes back and keeps your edits.'
    );
    if (misfits.length) {
      const lead =
        misfits.length === 1
          ? trans.__('One value does not fit: %1.')
          : trans.__('Some values do not fit: %1.');
      const names = el('code', '', ...nameNodes(misfits.join(', ')));
      const said = el('span', 'llm-is-error', ...withNodes(lead, names));
      return [el('span', '', said, ' ', rest)];
    }
    return [el('span', '', this.problem, ' ', rest)];
  }

  private readFields(): IReading {
    const changes = noChanges();
    for (const param of this.request.params) {
      const now = this.fields.get(param.name)?.value();
      if (now !== undefined && !isUnchanged(now, this.before(param))) {
        changes[param.name] = now;
      }
    }
    const misfits = Object.keys(changes).filter(name =>
      this.fields.get(name)?.problem()
    );
    const problem = misfits.length
      ? trans.__('A value does not fit.')
      : problemOfNone(changes);
    return { changes, misfits, problem };
  }

  /** The JSON text of an argument before it is edited. */
  private before(param: IParam): string {
    const text = this.params.textOf(param) ?? '';
    return param.isText ? JSON.stringify(text) : text;
  }

  /** Make the fields. That of a long value appears when its text has been fetched. */
  private makeFields(): void {
    for (const param of this.request.params) {
      const place = el('div', 'llm-field');
      this.form.append(place);
      const text = this.params.textOf(param);
      if (text !== null) {
        this.addField(param, text, place);
        continue;
      }
      const label = el('p', 'llm-help', trans.__('Fetching…'));
      place.append(el('code', '', ...nameNodes(param.name)), label);
      this.params.open(param.name).then(
        whole => {
          this.addField(param, whole, place);
          this.changed();
        },
        (error: unknown) => {
          label.textContent = sentenceOf(error);
        }
      );
    }
    this.read();
  }

  private addField(param: IParam, text: string, place: HTMLElement): void {
    const field = makeField(param, text, () => this.changed());
    this.fields.set(param.name, field);
    place.replaceWith(field.node);
  }

  private changed(): void {
    this.read();
    for (const [name, field] of this.fields) {
      field.mark(name in this.reading.changes);
    }
    this.onChange();
  }

  private read(): void {
    const odd = this.isJson ? mixedWordsNote(this.jsonInput.value) : '';
    refill(this.jsonNote, odd);
    this.jsonNote.hidden = !odd;
    this.reading = this.isJson ? this.readJson() : this.readFields();
    // The JSON would lack the values that have not been fetched yet.
    this.toggle.hidden = this.params.unopened.length > 0;
    this.showDifference();
  }

  private showDifference(): void {
    const { changes } = this.reading;
    const names = Object.keys(changes);
    const all = this.request.params.map(param => param.name);
    const items = names.map(name => {
      const param = this.request.params.find(one => one.name === name);
      const [before, now] = bothShown(
        param ? this.before(param) : null,
        changes[name]
      );
      return el(
        'div',
        'llm-diff-item',
        el('code', '', ...nameNodes(name)),
        ...difference(before, now)
      );
    });
    const rest = all.filter(name => !(name in changes));
    refill(
      this.diff,
      el(
        'h4',
        '',
        trans.__('Difference'),
        ' ',
        el(
          'span',
          '',
          trans.__(
            '%1 of %2 arguments',
            String(names.length),
            String(all.length)
          )
        )
      ),
      ...items,
      rest.length > 0 && unchangedLine(rest)
    );
  }

  /** Switch from fields to one JSON text, or back to the fields as they were left. */
  private switchView(): void {
    if (!this.isJson) {
      const { changes } = this.reading;
      const lines = this.request.params.flatMap(param => {
        const text =
          param.name in changes ? changes[param.name] : this.before(param);
        return text === null
          ? []
          : [visibleJson(`  ${JSON.stringify(param.name)}: ${text}`)];
      });
      this.jsonInput.value = `{\n${lines.join(',\n')}\n}`;
      refill(this.form, this.jsonInput, this.jsonNote);
    } else {
      refill(this.form, ...[...this.fields.values()].map(field => field.node));
    }
    this.isJson = !this.isJson;
    this.toggle.textContent = this.isJson
      ? trans.__('Edit in fields')
      : trans.__('Edit as JSON');
    this.changed();
  }

  private readJson(): IReading {
    const changes = noChanges();
    const misfits: string[] = [];
    const now = membersOf(this.jsonInput.value);
    if (!now) {
      return { changes, misfits, problem: notAnObject(this.jsonInput.value) };
    }
    for (const param of this.request.params) {
      const text = now.get(param.name) ?? null;
      if (!isUnchanged(text, this.before(param))) {
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
    return { changes, misfits, problem: problemOfNone(changes) };
  }

  private onKey(event: KeyboardEvent, submit: HTMLButtonElement): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit.click();
    }
  }
}

function unchangedLine(names: string[]): HTMLElement {
  const codes = names.flatMap((name, at) => [
    at > 0 && ', ',
    el('code', '', ...nameNodes(name))
  ]);
  const said = trans.__('Unchanged: %1');
  return el('p', 'llm-same', ...withNodes(said, el('span', '', ...codes)));
}

/** Changes without a prototype, because an argument may have any name. */
function noChanges(): Changes {
  return Object.create(null) as Changes;
}

/** The problem of a form without changes; empty if there are any. */
function problemOfNone(changes: Changes): string {
  return Object.keys(changes).length ? '' : trans.__('Nothing is changed.');
}

/**
 * Two values as the difference shows them: strings without their quotes, anything
 * else as JSON. A string that becomes something else, or the other way round, keeps
 * its quotes, so that `"5"` is not taken for `5`. What is not given stays null.
 */
function bothShown(
  before: string | null,
  after: string | null
): [string | null, string | null] {
  const texts = [before, after].map(json => json && stringIn(json));
  const areStrings = [before, after].every(
    (json, at) => json === null || texts[at] !== null
  );
  return areStrings ? [texts[0], texts[1]] : [before, after];
}

/** The string that a JSON text holds; null if it holds something else. */
function stringIn(json: string): string | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}

function isUnchanged(now: string | null, before: string): boolean {
  return now !== null && isSame(now, before);
}

/** Why a text is not a JSON object, in the words of the browser's parser. */
function notAnObject(text: string): string {
  try {
    JSON.parse(text);
    return trans.__('This must be one JSON object.');
  } catch (error) {
    return trans.__('This is not JSON: %1', visible((error as Error).message));
  }
}
