/** A font file: its address in the JupyterLab extension, its bytes in the widget's module. */
declare module '*.woff2' {
  const source: string | Uint8Array<ArrayBuffer>;
  export default source;
}
