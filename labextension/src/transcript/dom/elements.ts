/** Makes and changes DOM elements in one line each. Strings always become text, never markup. */

export type Child = Node | string | null | undefined | false;

/** Make an element with a class name and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (className) {
    node.className = className;
  }
  fill(node, children);
  return node;
}

/** Replace the children of a node. */
export function refill(node: Node, ...children: Child[]): void {
  node.textContent = '';
  fill(node, children);
}

function fill(node: Node, children: Child[]): void {
  for (const child of children) {
    if (child) {
      node.appendChild(
        typeof child === 'string' ? document.createTextNode(child) : child
      );
    }
  }
}

/** Set attributes, and remove those whose value is `null`. */
export function attrs<T extends Element>(
  node: T,
  values: Record<string, string | null>
): T {
  for (const [name, value] of Object.entries(values)) {
    if (value === null) {
      node.removeAttribute(name);
    } else {
      node.setAttribute(name, value);
    }
  }
  return node;
}

/** Set a text only if it differs, so that an unchanged node is not laid out again. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** Give a parent exactly these children in this order. Only what is out of place moves, so that focus and scroll positions survive. */
export function arrange(parent: Node, wanted: readonly Node[]): void {
  const kept = new Set(wanted);
  Array.from(parent.childNodes)
    .filter(node => !kept.has(node))
    .forEach(node => parent.removeChild(node));
  let at = parent.firstChild;
  for (const node of wanted) {
    if (node === at) {
      at = at.nextSibling;
    } else {
      parent.insertBefore(node, at);
    }
  }
}

/**
 * Make a button. It is made unavailable by `aria-disabled`, not by `disabled`,
 * so that the keyboard can still reach it and a screen reader can say why.
 */
export function button(
  className: string,
  label: Child,
  act: () => void
): HTMLButtonElement {
  const node = attrs(el('button', className, label), { type: 'button' });
  node.addEventListener('click', () => {
    if (node.getAttribute('aria-disabled') !== 'true') {
      act();
    }
  });
  return node;
}

let idCount = 0;

/** An id that no other element of the page has. */
export function uniqueId(): string {
  idCount += 1;
  return `llm-${Math.random().toString(36).slice(2, 8)}-${idCount}`;
}

/** Turn one of our sentences into nodes. Backticks in it enclose what the reader can type. */
export function withCode(text: string): (string | HTMLElement)[] {
  return text
    .split('`')
    .map((part, i) => (i % 2 ? el('code', 'llm-code', part) : part));
}
