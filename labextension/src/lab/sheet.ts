/** Adds a style sheet to JupyterLab's page. Ours name no files, so that no loader of style sheets is needed, whose code is larger. */

/** Add the rules to the page, for as long as it is open. */
export function addSheet(rules: string): void {
  const sheet = document.createElement('style');
  sheet.textContent = rules;
  document.head.append(sheet);
}
