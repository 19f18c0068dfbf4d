/**
 * For `node --require`: TypeScript is compiled as it is loaded, and the packages of the workspace are taken from their
 * sources, as jest takes them. So the runners judge what stands in the checkout, not what was built last.
 */
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const { join, resolve } = require('node:path');
const { transformSync } = require('@swc/core');

const root = resolve(__dirname, '../..');

/** @returns the sources of a package of the workspace, null for any other module */
function sourcesOf(request) {
  const found = /^@portcullis\/([a-z-]+)$/.exec(request);
  if (found === null) return null;
  const folder = found[1].endsWith('-binding') ? 'native' : 'packages';
  return join(root, folder, found[1], 'src/index.ts');
}

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function resolveWorkspace(request, ...rest) {
  return resolveFilename.call(this, sourcesOf(request) ?? request, ...rest);
};

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    sourceMaps: 'inline',
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  module._compile(code, filename);
};
