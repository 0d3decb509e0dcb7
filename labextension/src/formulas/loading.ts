/**
 * Loads the module that sets formulas for the widget, whose own module is one
 * file.
 *
 * A page makes the widget's module from a text that the kernel has sent, so
 * that no file stands beside it. The module for formulas is a second text,
 * which the kernel sends as a trait once an answer may hold a formula: it
 * cannot be asked for, because a kernel that is running a cell answers no
 * messages. Anybody who could put another text into that trait could as well
 * replace the widget's own module.
 *
 * Where the widget's module was loaded as a file, the other one is beside it.
 */

import type { ITypesetter, LoadTypesetter } from '../transcript';

/** The part of a widget's model that is used here. */
interface IModel {
  get(name: string): unknown;
  on(name: string, callback: () => void): void;
  off(name: string, callback: () => void): void;
}

const TRAIT = 'formulas';

/** A function that loads the module when it is needed. */
export function typesetterOf(model: IModel): LoadTypesetter {
  return () =>
    /^https?:/.test(import.meta.url)
      ? importFrom(new URL('formulas.js', import.meta.url).href)
      : textOf(model).then(importText);
}

function textOf(model: IModel): Promise<string> {
  return new Promise(resolve => {
    const take = (): void => {
      const text = model.get(TRAIT);
      if (typeof text === 'string' && text) {
        model.off(`change:${TRAIT}`, take);
        resolve(text);
      }
    };
    model.on(`change:${TRAIT}`, take);
    take();
  });
}

async function importText(text: string): Promise<ITypesetter> {
  const url = URL.createObjectURL(
    new Blob([text], { type: 'text/javascript' })
  );
  try {
    return await importFrom(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function importFrom(url: string): Promise<ITypesetter> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ url);
}
