/** `scripts/build-deb`: the Debian package for this machine's architecture, byte for byte the same for the same inputs. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  architecture,
  checksums,
  controlFile,
  copyrightFile,
  debianChangelog,
  libraryPackages,
  maintainer,
} from './package/debian-files.mjs';
import { billOfMaterials } from './package/sbom.mjs';
import { shippedModules } from './package/shipped-modules.mjs';
import { CONFFILES, nodeLicence, settle, stageFiles, write } from './package/stage.mjs';
import { main, PreparationError, prepare, root, say } from './prepare.mjs';

const usage = `Usage: scripts/build-deb [options]

Builds what is not built, and makes build/portcullis_VERSION_ARCHITECTURE.deb for the machine it runs on.

  --output <folder>       where the package goes (default: build)
  --version <version>     of the package (default: that of packages/cli)
  --compression <name>    xz, zstd, gzip or none (default: xz)
  --no-prepare            package what is built as it stands

SOURCE_DATE_EPOCH (default: the time of the last commit) is the time of every file in the package. DEBFULLNAME and
DEBEMAIL name its maintainer (default: the author in package.json, whose address is a placeholder).`;

/** Seconds since 1970 that stand for the time of the build. */
function sourceDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  const git = () =>
    spawnSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).stdout?.trim();
  const text = given ?? git() ?? '';
  if (!/^\d{1,11}$/.test(text))
    throw new PreparationError('no commit tells the time of these sources: set SOURCE_DATE_EPOCH');
  return Number(text);
}

/** Pages and scripts that the program writes about itself. */
function writtenByProgram(version) {
  const load = createRequire(join(root, 'packages', 'cli', 'package.json'));
  const { buildProgram } = load('./dist/index.js');
  const { describeCommand } = load('./dist/command-tree.js');
  const { completionScript } = load('./dist/completion.js');
  const { manualPage } = load('./dist/manual-page.js');
  const program = describeCommand(buildProgram());
  return {
    'usr/share/man/man8/portcullis.8.gz': manualPage(program, version),
    'usr/share/bash-completion/completions/portcullis': completionScript('bash', program),
    'usr/share/zsh/vendor-completions/_portcullis': completionScript('zsh', program),
  };
}

const readJson = (...path) => JSON.parse(readFileSync(join(root, ...path), 'utf8'));

function makePackage({ output, version, compression }) {
  const seconds = sourceDate();
  const modules = shippedModules(root, 'packages/cli');
  const responsible = maintainer(readJson('package.json'));
  const stage = mkdtempSync(join(tmpdir(), 'portcullis-deb-'));
  try {
    say('laying out files');
    const binaries = stageFiles({
      root,
      stage,
      modules,
      texts: {
        ...writtenByProgram(version),
        'usr/share/doc/portcullis/copyright': copyrightFile(modules, nodeLicence()),
        'usr/share/doc/portcullis/changelog.gz': debianChangelog(version, responsible, seconds),
      },
    });
    const bill = billOfMaterials({
      modules,
      version,
      architecture: architecture(),
      seconds,
      lock: readJson('package-lock.json'),
      node: binaries[0],
    });
    write(join(stage, 'usr/share/doc/portcullis/sbom.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
    const control = (name, text, mode) => write(join(stage, 'DEBIAN', name), text, mode);
    const libraries = libraryPackages(binaries, stage);
    const sums = checksums(stage);
    control('control', controlFile({ version, maintainer: responsible, libraries, stage }));
    control('md5sums', sums);
    control('conffiles', CONFFILES.map((path) => `${path}\n`).join(''));
    for (const name of ['postinst', 'prerm', 'postrm'])
      control(name, readFileSync(join(root, 'packaging', 'debian', name), 'utf8'), 0o755);
    settle(stage, seconds);
    mkdirSync(output, { recursive: true });
    const file = join(output, `portcullis_${version}_${architecture()}.deb`);
    say(`packing ${file}`);
    const packed = spawnSync(
      'dpkg-deb',
      // One thread: what comes out must not depend on how many processors there are.
      ['--root-owner-group', '--threads-max=1', `-Z${compression}`, '--build', stage, file],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, SOURCE_DATE_EPOCH: String(seconds) },
      },
    );
    if (packed.status !== 0) throw new PreparationError(`dpkg-deb: ${packed.error ?? packed.stderr}`);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

main(async () => {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', default: join(root, 'build') },
      version: { type: 'string', default: readJson('packages', 'cli', 'package.json').version },
      compression: { type: 'string', default: 'xz' },
      'no-prepare': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  if (!values['no-prepare']) await prepare(['build', 'package']);
  makePackage({ ...values, output: resolve(values.output) });
});
