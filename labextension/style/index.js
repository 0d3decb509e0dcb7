import './transcript.css';
import './sheet.css';
import './promptCell.css';
