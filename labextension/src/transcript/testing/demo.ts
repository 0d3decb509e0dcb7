/** Fills the page in `demo/` with every state of a transcript, in the theme that the address names. */

import { TranscriptView } from '..';
import type { IHost } from '..';
import { STATES } from './states';

/** What scripts that drive the page can use. */
interface IDemo {
  views: Record<string, TranscriptView>;
  actions: unknown[];
}

const query = new URLSearchParams(location.search);
const theme = query.get('theme') ?? 'light';
document.body.dataset.mock = theme;
if (theme === 'light' || theme === 'dark') {
  document.body.dataset.jpThemeLight = String(theme === 'light');
}
document.body.classList.toggle('vscode-dark', theme === 'vscode');

const demo: IDemo = { views: {}, actions: [] };
Object.assign(window, demo);
const host: IHost = {
  act: action => {
    demo.actions.push(action);
    return Promise.resolve();
  },
  key: () => Promise.resolve(),
  value: (_, name) => Promise.resolve(`The whole of ${name}.\n`.repeat(60)),
  insertBelow: () => undefined
};
const only = query.get('state');
for (const [name, document_] of Object.entries(STATES)) {
  if (only && only !== name) {
    continue;
  }
  const title = document.createElement('p');
  title.className = 'm-tag';
  title.textContent = name;
  const cell = document.createElement('div');
  cell.className = 'm-cell';
  cell.id = name;
  const prompt = document.createElement('div');
  prompt.className = 'm-out';
  prompt.textContent = '[5]:';
  const output = document.createElement('div');
  cell.append(prompt, output);
  document.body.append(title, cell);
  demo.views[name] = new TranscriptView(output, host);
  demo.views[name].show(document_);
}
const dead = document.createElement('div');
dead.className = 'm-cell';
dead.id = 'dead';
const output = document.createElement('div');
dead.append(document.createElement('div'), output);
document.body.append(dead);
demo.views.dead = new TranscriptView(output, {
  blocked: 'As saved. The kernel runs, but llm_notebook is not loaded in it.',
  ask: () => Promise.resolve()
});
demo.views.dead.show(STATES.card);
