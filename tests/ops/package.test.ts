/**
 * The Debian package: made twice, looked into, and run from where it was unpacked. What installing, upgrading, removing
 * and purging do is tried by 'npm run test:package', on a Debian 12 of its own.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PcapWriter } from '@portcullis/testkit';
import { describeCommand } from '../../packages/cli/src/command-tree';
import { completionScript } from '../../packages/cli/src/completion';
import { buildProgram } from '../../packages/cli/src/main';
import { manualPage } from '../../packages/cli/src/manual-page';
import { builtinTraffic } from '../builtin';
import { capture } from '../builtin/capture';
import { labMissing } from '../lab/engine';
import { buildDeb, packagingMissing } from '../package/build-deb';
import { repository } from './prometheus-tools';

const missing = packagingMissing() ?? notBuilt();

function notBuilt(): string | null {
  const reason = labMissing();
  return reason?.startsWith('not built') ? reason : null;
}

interface Component {
  name: string;
  version: string;
  purl: string;
  'bom-ref': string;
}

interface BillOfMaterials {
  components: Component[];
  dependencies: { ref: string; dependsOn: string[] }[];
}

if (missing !== null) test.skip(`the Debian package: ${missing}`, () => {});
else
  describe('the Debian package', () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-package-'));
    const unpacked = join(folder, 'unpacked');
    let deb: string;
    beforeAll(() => {
      deb = buildDeb({ output: join(folder, 'first') });
      mkdirSync(unpacked);
      expect(spawnSync('dpkg-deb', ['--extract', deb, unpacked]).status).toBe(0);
    }, 300_000);
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const at = (path: string) => join(unpacked, path);
    const text = (path: string) => readFileSync(at(path), 'utf8');
    const field = (name: string) =>
      spawnSync('dpkg-deb', ['--field', deb, name], { encoding: 'utf8' }).stdout.trim();
    const files = () =>
      readdirSync(unpacked, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(unpacked.length));
    /** Runs the unpacked command with its own Node.js and nothing in PATH. */
    const run = (...argv: string[]) =>
      spawnSync(
        at('usr/lib/portcullis/bin/node'),
        [at('usr/lib/portcullis/packages/cli/bin/portcullis.js'), ...argv],
        {
          encoding: 'utf8',
          cwd: folder,
          env: {
            PATH: '/nonexistent',
            PORTCULLIS_POLICY: '',
            PORTCULLIS_CONFIG: at('etc/portcullis/portcullis.yaml'),
          },
        },
      );

    test('made again, elsewhere and by somebody with other habits, it is the same to the byte', () => {
      const elsewhere = join(folder, 'elsewhere');
      mkdirSync(elsewhere);
      const umask = process.umask(0o077);
      try {
        const again = buildDeb({
          output: join(folder, 'second'),
          env: { TMPDIR: elsewhere, TZ: 'Pacific/Auckland', LC_ALL: 'C.UTF-8' },
        });
        const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
        expect(digest(again)).toBe(digest(deb));
      } finally {
        process.umask(umask);
      }
    }, 300_000);

    test('it depends on libraries and programs and on no Node.js, and names who answers for it', () => {
      const names = field('Depends')
        .split(', ')
        .map((one) => one.split(' ')[0]);
      expect(names).toEqual(expect.arrayContaining(['ipset', 'iptables', 'libc6', 'libpcre2-8-0']));
      expect(names.filter((name) => /node|npm/.test(name ?? ''))).toEqual([]);
      expect(['amd64', 'arm64']).toContain(field('Architecture'));
      const { author } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
        author: string;
      };
      expect(field('Maintainer')).toBe(author);
    });

    test("everything is root's, and nobody else may write", () => {
      const list = spawnSync('dpkg-deb', ['--contents', deb], {
        encoding: 'utf8',
        maxBuffer: 1 << 24,
      }).stdout;
      const wrong = list
        .split('\n')
        .filter((line) => !/^(d|-)rw[x-]r-[x-]r-[x-] root\/root |^lrwxrwxrwx root\/root |^$/.test(line));
      expect(wrong).toEqual([]);
    });

    test('it holds what runs, and not what it was made with', () => {
      const all = files();
      expect(
        all.filter((path) => /\.(ts|map|c|cc|h)$|\.test\.js$|\/(testkit|typescript|jest|nan)\//.test(path)),
      ).toEqual([]);
      for (const path of [
        '/etc/portcullis/portcullis.yaml',
        '/lib/systemd/system/portcullis.service',
        '/usr/bin/portcullis',
        '/usr/share/portcullis/rules/smb.rules',
        '/usr/share/doc/portcullis/operations.md',
        '/usr/share/doc/portcullis/copyright',
      ])
        expect(all).toContain(path);
      for (const path of ['/usr/bin/portcullis', '/usr/lib/portcullis/bin/node'])
        expect(statSync(at(path)).mode & 0o777).toBe(0o755);
    });

    test('scripts of the maintainer are good shell, and the configuration is listed as such', () => {
      const control = join(folder, 'control');
      expect(spawnSync('dpkg-deb', ['--control', deb, control]).status).toBe(0);
      expect(readFileSync(join(control, 'conffiles'), 'utf8')).toBe('/etc/portcullis/portcullis.yaml\n');
      for (const name of ['postinst', 'prerm', 'postrm'])
        expect(spawnSync('sh', ['-n', join(control, name)]).status).toBe(0);
    });

    test('the unpacked command runs without any other Node.js, and finds an attack in a capture', () => {
      const { version } = JSON.parse(readFileSync(join(repository, 'packages/cli/package.json'), 'utf8')) as {
        version: string;
      };
      expect(run('--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
      // All that its configuration says is a comment.
      expect(JSON.parse(run('config', 'show', '--json').stdout)).toBeDefined();
      const attack = builtinTraffic().find(({ sid }) => sid !== null);
      if (attack === undefined) throw new Error('there is no built-in attack');
      const file = join(folder, 'attack.pcap');
      new PcapWriter().addAll(capture(attack.traffic)).writeFile(file);
      const { status, stdout, stderr } = run('replay', file);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      const sids = stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { alert?: { signature_id: number } }).alert?.signature_id);
      expect(sids).toContain(attack.sid);
    });

    test('the manual page and the completions are those of the program', () => {
      const program = describeCommand(buildProgram());
      const page = gunzipSync(readFileSync(at('usr/share/man/man8/portcullis.8.gz'))).toString();
      expect(page).toBe(manualPage(program, field('Version')));
      expect(text('usr/share/bash-completion/completions/portcullis')).toBe(
        completionScript('bash', program),
      );
      expect(text('usr/share/zsh/vendor-completions/_portcullis')).toBe(completionScript('zsh', program));
    });

    describe('its bill of materials', () => {
      const bill = () => JSON.parse(text('usr/share/doc/portcullis/sbom.cdx.json')) as BillOfMaterials;

      test('lists the modules that are there, and Node.js', () => {
        const there = files()
          .filter((path) => path.endsWith('/package.json'))
          .map((path) => JSON.parse(text(path)) as { name?: string; version?: string })
          .filter(({ name, version }) => name !== undefined && version !== undefined)
          .map(({ name, version }) => `${name}@${version}`);
        const listed = bill().components.map(({ name, version }) => `${name}@${version}`);
        expect(listed.sort()).toEqual([...new Set([...there, `node@${process.versions.node}`])].sort());
      });

      test('says of each what it needs', () => {
        const { components, dependencies } = bill();
        const known = new Set(components.map((component) => component['bom-ref']));
        for (const { dependsOn } of dependencies) for (const ref of dependsOn) expect(known).toContain(ref);
        expect(dependencies).toHaveLength(components.length + 1);
      });
    });
  });
