import './transcript.css';
