/** The text of a style sheet that `build:style` has put together. */
declare module '*.raw.css' {
  const rules: string;
  export default rules;
}
