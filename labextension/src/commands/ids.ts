/** The ids of the commands. `schema/commands.json` places them into menus, the cell toolbar and the list of shortcuts. */

export const CHOOSE_MODEL = 'llm-notebook:choose-model';
export const ASK_CELL = 'llm-notebook:ask-cell';
export const ASK_SELECTION = 'llm-notebook:ask-selection';
export const CONTINUE = 'llm-notebook:continue';
export const EXPLAIN = 'llm-notebook:explain';
export const FIX = 'llm-notebook:fix';
export const NEW_PROMPT = 'llm-notebook:new-prompt';
export const PANEL = 'llm-notebook:panel';
export const PROMPT_FIRST = 'llm-notebook:prompt-first';
export const PROMPT_NOTEBOOK = 'llm-notebook:prompt-notebook';
export const RUN_BELOW = 'llm-notebook:run-below';
export const SHOW_WAITING = 'llm-notebook:show-waiting';
export const TOGGLE_PROMPT = 'llm-notebook:toggle-prompt';
