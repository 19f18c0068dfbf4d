/** A Debian 12 with this machine's own Node.js in /usr/local, as the images of Node.js have it. */
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDebianRoot } from './debian-root';

const nodePrefix = dirname(dirname(process.execPath));
/** Authorities that this machine trusts, where there is a list of its own. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/** What processes in it have in their environment. */
export const nodeRootEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  NODE_EXTRA_CA_CERTS: AUTHORITIES,
};

/** Why there can be none here, or null. */
export function nodeRootMissing(): string | null {
  return existsSync(join(nodePrefix, 'include', 'node', 'node_version.h'))
    ? null
    : `${nodePrefix}/include/node has no headers of this Node.js`;
}

/** @returns a folder of its own, to be removed by the caller */
export function makeNodeRoot(): string {
  const root = makeDebianRoot(['ca-certificates']);
  const prefix = join(root, 'usr', 'local');
  for (const part of ['bin/node', 'include/node', 'lib/node_modules/npm'])
    cpSync(join(nodePrefix, part), join(prefix, part), { recursive: true, dereference: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(prefix, 'bin', 'npm'));
  mkdirSync(join(root, 'etc', 'ssl', 'certs'), { recursive: true });
  if (existsSync(AUTHORITIES)) cpSync(AUTHORITIES, join(root, AUTHORITIES), { dereference: true });
  return root;
}
