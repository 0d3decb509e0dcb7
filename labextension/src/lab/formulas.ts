/** Sets formulas in JupyterLab. This module is loaded with the first formula, and brings their style along. */

import rules from '../math.raw.css';
import { addSheet } from './sheet';

export { typeset } from '../formulas';

addSheet(rules);
