/** Writes a conversation into a Markdown file beside the notebook in front. */

import { InputDialog, Notification } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IPanelAnswer } from '../transcript';
import { isText, shape } from '../transcript/protocol/checks';
import { sentenceOf } from '../transcript/dom/formatting';
import { fileName } from './fileName';
import type { ISource } from './sources';

type Answer = IPanelAnswer & { markdown: string; title: string };

const CHECK = shape({ markdown: isText, title: isText });
/** Without a time, a notification is only counted at the bell. */
const SHORTLY = { autoClose: 5_000 } as const;

/** Ask for a file's name, and write the conversation there. A file that is there is kept. */
export async function exportTalk(
  source: ISource,
  id: string,
  folder: string,
  contents: Contents.IManager,
  trans: TranslationBundle
): Promise<void> {
  try {
    const answer = await source.bus.questions.ask({ about: 'export', id });
    if (!CHECK(answer)) {
      return;
    }
    const { markdown, title } = answer as Answer;
    const { value } = await InputDialog.getText({
      title: trans.__('Export Conversation as Markdown'),
      label: trans.__('File'),
      text: fileName(title),
      okLabel: trans.__('Export')
    });
    if (value) {
      const path = PathExt.join(folder, value);
      const isThere = await contents.get(path, { content: false }).then(
        () => true,
        () => false
      );
      if (isThere) {
        throw new Error(
          trans.__(
            '%1 is there already; nothing was written. Choose another name.',
            path
          )
        );
      }
      await contents.save(path, {
        type: 'file',
        format: 'text',
        content: markdown
      });
      Notification.success(trans.__('Exported to %1', path), SHORTLY);
    }
  } catch (error) {
    Notification.error(sentenceOf(error), SHORTLY);
  }
}
