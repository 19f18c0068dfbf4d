/** What dpkg reads: control, checksums, changelog, copyright. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { everyFile } from './stage.mjs';

/** Who answers for a package: the author in package.json, or who says so as Debian's own tools are told. */
export function maintainer({ author }, { DEBFULLNAME, DEBEMAIL } = process.env) {
  const [, name, address] = /^(.+) <(.+)>$/.exec(author);
  return `${DEBFULLNAME || name} <${DEBEMAIL || address}>`;
}

/** Programs that the engine starts; libraries are found by dpkg-shlibdeps. */
const PROGRAMS = ['ipset', 'iptables'];

/** What Debian calls the processors that Node.js runs on here. */
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

export function architecture() {
  const name = ARCHITECTURES[process.arch];
  if (name === undefined) throw new Error(`no package is made for ${process.arch}`);
  return name;
}

/** Packages with the libraries that binaries are linked against. @param binaries below stage */
export function libraryPackages(binaries, stage) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-shlibs-'));
  try {
    mkdirSync(join(folder, 'debian'));
    writeFileSync(
      join(folder, 'debian', 'control'),
      'Source: portcullis\n\nPackage: portcullis\nArchitecture: any\n',
    );
    const { status, stdout, stderr, error } = spawnSync(
      'dpkg-shlibdeps',
      ['-O', '--warnings=0', ...binaries.map((path) => `-e${path}`)],
      { cwd: folder, encoding: 'utf8' },
    );
    const [, list] = /^shlibs:Depends=(.+)$/m.exec(stdout ?? '') ?? [];
    if (status !== 0 || list === undefined)
      throw new Error(`dpkg-shlibdeps ${binaries.map((path) => relative(stage, path))}: ${error ?? stderr}`);
    if (/\blibnode/.test(list))
      throw new Error(
        'this Node.js is a thin program over a shared libnode, which the package would depend on: use one that stands alone (nodejs.org, NodeSource)',
      );
    return list.split(', ');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {{version: string, maintainer: string, libraries: string[], stage: string}} what */
export function controlFile({ version, maintainer, libraries, stage }) {
  const bytes = everyFile(stage).reduce((sum, path) => sum + statSync(join(stage, path)).size, 0);
  return `Package: portcullis
Version: ${version}
Architecture: ${architecture()}
Maintainer: ${maintainer}
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: ${[...libraries, ...PROGRAMS].sort().join(', ')}
Suggests: prometheus
Section: net
Priority: optional
Description: network threat protection for gateways and endpoints
 Portcullis takes inbound traffic from the kernel's NFQUEUE, reassembles TCP,
 parses protocols and matches signatures written in Suricata's rule language. A
 packet that carries an attack is not delivered, its source is banned in the
 kernel for an hour, and an event in Suricata's own format tells who did what
 and what was done about it.
 .
 This package carries its own Node.js ${process.versions.node}.
`;
}

/** Checksums of every file, for dpkg --verify. */
export function checksums(stage) {
  return everyFile(stage)
    .filter((path) => !path.startsWith('DEBIAN/'))
    .map(
      (path) =>
        `${createHash('md5')
          .update(readFileSync(join(stage, path)))
          .digest('hex')}  ${path}\n`,
    )
    .join('');
}

export function debianChangelog(version, maintainer, seconds) {
  const date = new Date(seconds * 1000).toUTCString().replace('GMT', '+0000');
  return `portcullis (${version}) bookworm; urgency=medium

  * What has changed stands in CHANGELOG.md beside this file.

 -- ${maintainer}  ${date}
`;
}

/** @param licence of Node.js */
export function copyrightFile(modules, licence) {
  const others = modules.filter(({ manifest }) => !manifest.name.startsWith('@portcullis/'));
  return `Portcullis is licensed under the Apache License, version 2.0; on Debian systems its text is in
/usr/share/common-licenses/Apache-2.0.

Below /usr/lib/portcullis this package has modules of others, each with its own terms in its folder:

${others.map(({ folder, manifest }) => `  ${folder} ${manifest.version}: ${terms(manifest)}`).join('\n')}

and Node.js ${process.versions.node} (/usr/lib/portcullis/bin/node), which comes with these terms:

${licence}`;
}

function terms({ license, licenses }) {
  return license ?? (licenses ?? []).map(({ type }) => type).join(', ');
}
