import { addSheet } from '../lib/lab/sheet.js';
import rules from '../lib/style.raw.css';

addSheet(rules);
