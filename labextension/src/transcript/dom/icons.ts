/** Draws the glyphs of a transcript in the colour of the text around them. */

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  chevron: 'M6 3.5 10.5 8 6 12.5',
  check: 'm3 8.6 3.3 3.3L13 4.6',
  cross: 'm4 4 8 8M12 4l-8 8',
  spinner: 'M8 2.25A5.75 5.75 0 0 1 13.75 8',
  pause:
    'M5.3 1.75h5.4l3.55 3.55v5.4l-3.55 3.55H5.3L1.75 10.7V5.3zM6.4 5.8v4.4M9.6 5.8v4.4',
  warning: 'M8 2 14.5 13.5h-13zM8 6.6v3.1M8 11.7v.01',
  denied: 'm4 12 8-8',
  pencil:
    'm2.75 13.25.7-3L10.6 3.1a1.3 1.3 0 0 1 1.84 0l.46.46a1.3 1.3 0 0 1 0 1.84l-7.15 7.15zM9.3 4.4l2.3 2.3',
  clock: 'M8 4.8V8l2.2 1.5',
  tabs: 'M5.5 2.5h8v8h-8zM10.5 10.5v3h-8v-8h3',
  question:
    'M6.4 6.4c.1-1 .8-1.5 1.7-1.5.9 0 1.6.6 1.6 1.4 0 1.2-1.7 1.2-1.7 2.5M8 11v.01',
  thought:
    'M8 2.5c3.2 0 5.75 1.9 5.75 4.4S11.2 11.3 8 11.3c-.7 0-1.3-.1-1.9-.2L3.3 13l.5-2.9C2.9 9.3 2.25 8.2 2.25 6.9 2.25 4.4 4.8 2.5 8 2.5zM5.6 7v.01M8 7v.01M10.4 7v.01',
  bubble: 'M2.25 3h11.5v8.25H8.1L5 13.75v-2.5H2.25zM5 6h6M5 8.4h3.6',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  insert: 'M2.5 2.75h11v4h-11zM8 9.25v4.5M5.75 11.5h4.5',
  cut: 'M2.5 4h11M2.5 8h4M8.75 8h1.5M2.5 12h2M6.5 12H8',
  redo: 'M2.5 8h8.75M8 4.5 11.5 8 8 11.5M13.75 3.5v9',
  retry: 'M13.2 6.2A5.6 5.6 0 1 0 13.6 9M13.5 2.6v3.8H9.7',
  key: 'M7.4 8.6 13.5 2.5M11 5l2 2',
  stop: 'M4 4h8v8H4z',
  play: 'm4.75 3 7.5 5-7.5 5z',
  image: 'M2.5 3h11v10h-11zM2.5 11l3.2-3.2 2.4 2.4 2-2 3.4 3.4M10.5 5.75v.01',
  parallel: 'M2.5 4h7M2.5 8h11M5.5 12h6',
  reply: 'M6 4 2.5 7.5 6 11M2.5 7.5H9c2.8 0 4.5 1.6 4.5 4.5',
  chip: 'M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14',
  plug: 'M5 6.25h6v2.5a3 3 0 0 1-6 0zM6.25 6.25V3M9.75 6.25V3M8 11.75V14',
  search: 'm10.4 10.4 3.35 3.35',
  stack:
    'M2.5 5.5 8 2.75l5.5 2.75L8 8.25zM2.5 8.25 8 11l5.5-2.75M2.5 11 8 13.75 13.5 11',
  unsent: '',
  table: 'M2.25 3h11.5v10H2.25zM2.25 6.25h11.5M2.25 9.6h11.5M6.25 6.25V13',
  text: 'M2.5 4h11M2.5 8h11M2.5 12h6.5',
  settings: 'M2.5 5h5.75M12.25 5h1.25M2.5 11h1.25M7.75 11h5.75',
  terminal: 'M2 3h12v10H2zM4.75 6l2 2-2 2M8.5 10h2.75'
};

/** The circles that some glyphs have besides their path, as `cx cy r`. */
const CIRCLES: Partial<Record<Icon, string>> = {
  spinner: '8 8 5.75',
  denied: '8 8 5.75',
  clock: '8 8 5.75',
  question: '8 8 5.75',
  key: '5.25 10.75 3',
  settings: '10.25 5 2',
  search: '7 7 4.5',
  unsent: '8 8 5.75'
};

/** The name of a glyph. */
export type Icon = keyof typeof PATHS;

function makeShape(tag: string, values: Record<string, string>): SVGElement {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(values)) {
    node.setAttribute(name, value);
  }
  return node;
}

/** Make a glyph. It is hidden from screen readers, because the words beside it carry its meaning. */
export function icon(name: Icon, className = ''): SVGElement {
  const spin =
    name === 'spinner' ? ' llm-spin' : name === 'unsent' ? ' llm-dashed' : '';
  const node = makeShape('svg', {
    class: `llm-icon${spin}${className ? ' ' + className : ''}`,
    viewBox: '0 0 16 16',
    'aria-hidden': 'true'
  });
  const circle = CIRCLES[name];
  if (circle) {
    const [cx, cy, r] = circle.split(' ');
    const faint: Record<string, string> =
      name === 'spinner' ? { opacity: '.25' } : {};
    node.appendChild(makeShape('circle', { cx, cy, r, ...faint }));
  }
  const fill: Record<string, string> =
    name === 'stop' ? { fill: 'currentColor' } : {};
  node.appendChild(makeShape('path', { d: PATHS[name], ...fill }));
  return node;
}
