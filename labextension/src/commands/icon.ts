/** The speech bubble, which stands for this product everywhere. */

import { LabIcon } from '@jupyterlab/ui-components';

/** The icon of the commands, in JupyterLab's registry of icons. */
export const askIcon = new LabIcon({
  name: 'llm-notebook:ask',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16" fill="none">
  <path class="jp-icon3" stroke="#616161" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"
    d="M2.25 3h11.5v8.25H8.1L5 13.75v-2.5H2.25zM5 6h6M5 8.4h3.6"/>
</svg>`
});

/** The same as a picture, for the launcher, which shows its cards of notebooks so. Orange goes with both themes. */
export const ASK_ICON_URL =
  'data:image/svg+xml,' +
  encodeURIComponent(askIcon.svgstr.replace('#616161', '#F37726'));
