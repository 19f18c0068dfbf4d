/** The software bill of materials: CycloneDX 1.5, of what is in the package and nothing else. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const bomRef = ({ name, version }) => `${name}@${version}`;

/** A package URL of an npm module (the scope's @ is written %40). */
const npmUrl = ({ name, version }) => `pkg:npm/${name.replace(/^@/, '%40')}@${version}`;

function licences({ license, licenses }) {
  const names = license ? [license] : (licenses ?? []);
  return names.map((one) => {
    const text = typeof one === 'string' ? one : one.type;
    return /[ (]/.test(text) ? { expression: text } : { license: { id: text } };
  });
}

/** What npm checked the module against when it was installed. */
function hashes({ folder }, lock) {
  const [, base64] = /^sha512-(\S+)$/.exec(lock.packages[folder]?.integrity ?? '') ?? [];
  return base64 === undefined
    ? []
    : [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }];
}

/**
 * @param {{modules: object[], version: string, architecture: string, seconds: number, lock: object, node: string}} what
 * node: path of the carried runtime
 */
export function billOfMaterials({ modules, version, architecture, seconds, lock, node }) {
  const product = `portcullis@${version}`;
  const runtime = {
    type: 'platform',
    'bom-ref': `node@${process.versions.node}`,
    name: 'node',
    version: process.versions.node,
    licenses: [{ license: { id: 'MIT' } }],
    purl: `pkg:generic/node@${process.versions.node}?arch=${architecture}`,
    hashes: [{ alg: 'SHA-256', content: createHash('sha256').update(readFileSync(node)).digest('hex') }],
  };
  const components = modules.map((module) => ({
    type: 'library',
    'bom-ref': bomRef(module.manifest),
    name: module.manifest.name,
    version: module.manifest.version,
    licenses: licences(module.manifest),
    purl: npmUrl(module.manifest),
    ...(hashes(module, lock).length > 0 && { hashes: hashes(module, lock) }),
  }));
  const refOf = new Map(modules.map(({ folder, manifest }) => [folder, bomRef(manifest)]));
  const cli = refOf.get('packages/cli');
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: new Date(seconds * 1000).toISOString(),
      component: { type: 'application', 'bom-ref': product, name: 'portcullis', version },
    },
    components: [runtime, ...components],
    dependencies: [
      { ref: product, dependsOn: [cli, runtime['bom-ref']] },
      { ref: runtime['bom-ref'], dependsOn: [] },
      ...modules.map(({ manifest, dependencies }) => ({
        ref: bomRef(manifest),
        dependsOn: dependencies.map((folder) => refOf.get(folder)),
      })),
    ],
  };
}
