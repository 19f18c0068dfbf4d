/** Which modules the package holds: what the command needs to run, found as Node.js finds it. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Modules that only a compiler reads. */
const BUILD_ONLY = new Set(['nan']);

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** The folder of a dependency, as Node.js looks for it from another module. */
function find(name, from, root) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    if (folder === root) return null;
  }
}

/**
 * @param root the repository
 * @param entry folder of the module that everything starts from, relative to root
 * @returns {{folder: string, manifest: object, dependencies: string[]}[]} folders relative to root, sorted; ours and
 * those of others
 */
export function shippedModules(root, entry) {
  const base = realpathSync(root);
  const found = new Map();
  const waiting = [join(base, entry)];
  while (waiting.length > 0) {
    const folder = waiting.pop();
    const name = relative(base, folder);
    if (found.has(name)) continue;
    const manifest = manifestOf(folder);
    const dependencies = [];
    for (const [dependency, optional] of dependenciesOf(manifest)) {
      if (BUILD_ONLY.has(dependency)) continue;
      const at = find(dependency, folder, base);
      if (at === null && optional) continue;
      if (at === null) throw new Error(`${name} needs ${dependency}, which is not installed`);
      dependencies.push(relative(base, at));
      waiting.push(at);
    }
    found.set(name, { folder: name, manifest, dependencies: dependencies.sort() });
  }
  return [...found.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

function dependenciesOf({ dependencies = {}, optionalDependencies = {} }) {
  const optional = new Set(Object.keys(optionalDependencies));
  return [...new Set([...Object.keys(dependencies), ...optional])].map((name) => [name, optional.has(name)]);
}
