/**
 * URL of a worker's compiled entry file. Node 20 runs JavaScript only: under the test runner the
 * caller is TypeScript source, and the worker comes from the build that `npm test` makes first.
 *
 * @param importMetaUrl `import.meta.url` of the caller
 * @param name entry file beside the caller, without extension
 */
export function workerEntry(importMetaUrl: string, name: string): URL {
  if (!importMetaUrl.endsWith('.ts')) return new URL(`./${name}.js`, importMetaUrl);
  const compiled = importMetaUrl.replace(
    /\/src\/([^/]+\/)*[^/]+\.ts$/,
    (path) => `/dist${path.slice(0, path.lastIndexOf('/'))}/${name}.js`,
  );
  return new URL(compiled);
}
