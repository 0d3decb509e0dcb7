import './transcript.css';
import './sheet.css';
