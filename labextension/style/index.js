import './transcript.css';
import './promptCell.css';
