/**
 * Decodes the named entities of HTML by asking the browser.
 *
 * The bundles put this in the place of the package `entities`, which brings a
 * table that is as large as the parser itself.
 */

/** The text of one entity, such as `&auml;`; the same text if HTML knows none of that name. */
export function decodeHTMLStrict(entity: string): string {
  // What is put into a text area is text: it makes no elements, and loads and runs nothing.
  const area = document.createElement('textarea');
  area.innerHTML = entity;
  const decoded = area.value;
  // Given an unknown name, a browser decodes a known beginning of it and leaves the rest.
  return decoded.endsWith(';') && entity !== '&semi;' ? entity : decoded;
}
