/** A conversation in a tab of its own, to read. Nothing in it can be decided. */

import { Clipboard } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { Widget } from '@lumino/widgets';

import type { IHost, IPanelAnswer } from '../transcript';
import { TranscriptView } from '../transcript';
import { isCount, isText, listOf, shape } from '../transcript/protocol/checks';
import { attrs, el } from '../transcript/dom/elements';
import { sentenceOf } from '../transcript/dom/formatting';
import { IS_TALK } from './sections/conversations';
import type { ITalk } from './sections/conversations';
import { plain } from './list';
import type { IPanel } from './section';
import { sayLine, when } from './lines';
import type { ISource } from './sources';
import { stub } from './sections/waiting';

interface ITurn {
  transcript: string;
  prompt: string;
  number: number;
  at: string;
  model: string;
}

type Answer = IPanelAnswer & { conversation: ITalk; turns: ITurn[] };

const CHECK = shape({
  conversation: IS_TALK,
  turns: listOf(
    shape({
      transcript: isText,
      prompt: isText,
      number: isCount,
      at: isText,
      model: isText
    })
  )
});

export class Talk extends Widget {
  private readonly views: TranscriptView[] = [];
  private readonly leave: (() => void)[] = [];

  constructor(
    private readonly source: ISource,
    private readonly talk: string,
    private readonly panel: IPanel
  ) {
    super();
    this.addClass('llm-lab');
    this.addClass('llm-talk');
    const name = panel.trans.__('Conversation');
    this.title.label = name;
    this.title.closable = true;
    attrs(this.node, { role: 'region', 'aria-label': name, tabindex: '0' });
    void this.load();
  }

  dispose(): void {
    this.leave.forEach(leave => leave());
    this.views.forEach(view => view.dispose());
    super.dispose();
  }

  private async load(): Promise<void> {
    try {
      const { questions } = this.source.bus;
      const answer = await questions.ask({
        about: 'conversation',
        id: this.talk
      });
      if (CHECK(answer) && !this.isDisposed) {
        this.draw(answer as Answer);
      }
    } catch (error) {
      this.node.append(sayLine(sentenceOf(error), 'llm-bad'));
    }
  }

  private draw({ conversation, turns }: Answer): void {
    const { panel, source, talk: id } = this;
    const { trans } = panel;
    this.title.label = this.title.caption = conversation.title;
    attrs(this.node, {
      'aria-label': trans.__('Conversation: %1', conversation.title)
    });
    const front = PathExt.basename(panel.sources.front?.context.path ?? '');
    const facts = [
      conversation.notebook,
      when(conversation.at),
      trans._n('%1 turn', '%1 turns', conversation.turns),
      conversation.model
    ];
    this.node.append(
      el(
        'header',
        'llm-talk-head',
        el('h2', '', conversation.title),
        el('span', 'llm-quiet', facts.filter(Boolean).join(' · ')),
        el('span', 'llm-push'),
        plain(trans.__('Continue in %1', front), () =>
          panel.prompt(`%%llm --cid ${id}\n`)
        ),
        plain(trans.__('Export…'), () => panel.write(source, id))
      )
    );
    turns.forEach(turn => this.add(turn));
  }

  private add({ transcript, prompt, number, at, model }: ITurn): void {
    const { trans } = this.panel;
    const { store } = this.source.bus;
    const place = number
      ? trans.__('You, cell [%1], %2', number, when(at))
      : trans.__('You, %1', when(at));
    const node = el('div');
    this.node.append(
      el('p', 'llm-talk-asked', el('small', '', place), prompt),
      node
    );
    const view = new TranscriptView(node, {}, () => import('../lab/formulas'));
    this.views.push(view);
    const host: IHost = {
      blocked: trans.__(
        'To read only. Decide in the cell, or in the side panel.'
      ),
      copy: text => Clipboard.copyToSystem(text),
      openLink: url => void window.open(url, '_blank', 'noopener,noreferrer')
    };
    const show = (): void => {
      const document = store.get(transcript);
      if (document && store.isFromKernel(transcript)) {
        view.show(document, host);
      }
    };
    this.leave.push(store.follow(stub(transcript, model), show));
    show();
    store.request(transcript);
  }
}
