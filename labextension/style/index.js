import './transcript.css';
import './promptCell.css';
import './commands.css';
