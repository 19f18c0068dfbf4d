/**
 * The package on a fresh Debian 12 with systemd, as the gateway between an attacker and a server: installed, upgraded,
 * removed, purged. Every test goes on where the one before has ended.
 */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { BanListAnswer, StatusAnswer } from '@portcullis/control';
import { Lab, type LabConnection, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, attackRules } from '../lab/engine';
import { type Page, pages, section, shellLines } from '../structure/documentation';
import { BootedSystem } from './booted-system';
import { buildDeb, packagingMissing } from './build-deb';
import { controlGroupsMissing } from './control-group';
import { debianRootMissing, makeDebianRoot } from './debian-root';
import { underLoad } from './under-load';

const HTTP = 80;
const PROMETHEUS = 'http://127.0.0.1:9090';
const ECHO = 7000;
const UNIT = 'portcullis.service';
const TIMER = 'portcullis-rules-update.timer';
const CAPABILITIES = (1n << 12n) | (1n << 13n); // CAP_NET_ADMIN, CAP_NET_RAW

const readme = () => pages().find(({ path }) => path === 'README.md') as Page;

/** The checkout of somebody who reads the README: sudo, and a package that is made already. */
function prepareReader(folder: string, deb: string): void {
  const program = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  };
  program(join(folder, '../../usr/bin/sudo'), 'exec "$@"');
  program(join(folder, 'scripts/build-deb'), 'ls build/portcullis_*.deb');
  mkdirSync(join(folder, 'build'));
  copyFileSync(deb, join(folder, 'build', basename(deb)));
}

const missing = packagingMissing() ?? debianRootMissing() ?? Lab.available() ?? controlGroupsMissing();
jest.setTimeout(120_000);

if (missing !== null) test.skip(`the package on a Debian 12 of its own: ${missing}`, () => {});
else
  describe('the package on a Debian 12 of its own', () => {
    const packages = mkdtempSync(join(tmpdir(), 'portcullis-packages-'));
    let lab: Lab;
    let root: string;
    let system: BootedSystem;

    beforeAll(async () => {
      const first = buildDeb({ output: packages, version: '1.0.0' });
      const second = buildDeb({
        output: packages,
        version: '1.0.1',
        env: { DEBFULLNAME: 'Somebody Else', DEBEMAIL: 'else@packages.example' },
      });
      const depends = spawnSync('dpkg-deb', ['--field', first, 'Depends'], { encoding: 'utf8' }).stdout;
      const libraries = depends.split(',').map((one) => one.trim().split(' ')[0] as string);
      root = makeDebianRoot([...libraries, 'systemd', 'dbus', 'man-db', 'prometheus']);
      prepareReader(join(root, 'srv', 'reader'), first);
      copyFileSync(second, join(root, 'srv', 'second.deb'));
      // The kernel gives nobody in a chroot a user namespace, which Debian's unit for Prometheus asks for.
      const dropIn = join(root, 'etc/systemd/system/prometheus.service.d');
      mkdirSync(dropIn, { recursive: true });
      writeFileSync(join(dropIn, 'chroot.conf'), '[Service]\nPrivateUsers=no\n');
      lab = new Lab('pcdeb');
      await lab.httpServer('server', HTTP);
      await lab.tcpServer('server', ECHO, { kind: 'echo' });
      system = new BootedSystem(lab, root);
      await system.booted();
    }, 900_000);
    afterAll(async () => {
      await system?.destroy();
      lab?.destroy();
      for (const folder of [root, packages]) if (folder) rmSync(folder, { recursive: true, force: true });
    });

    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the syntax of dpkg-query.
    const fields = '${Version} ${Maintainer}';
    const configuration = () => join(root, 'etc/portcullis/portcullis.yaml');
    /** Runs lines of the README as they stand there. @returns what they printed */
    const follow = async (heading: string, wanted: RegExp): Promise<string> => {
      const lines = shellLines(section(readme(), heading)).filter((line) => wanted.test(line));
      expect(lines.length).toBeGreaterThan(0);
      let printed = '';
      for (const line of lines) printed += await system.run('sh', '-c', `cd /srv/reader && ${line}`);
      return printed;
    };
    const status = () => system.json<StatusAnswer>('portcullis', 'status');
    const banned = async () =>
      (await system.json<BanListAnswer>('portcullis', 'bans', 'list')).bans.map(({ prefix }) => prefix);
    const mainProcess = () => system.property(UNIT, 'MainPID');
    const get = (path: string, family: 4 | 6, timeout: number) =>
      lab.httpGet('attacker', path, { host: lab.target(family), port: HTTP, timeout });
    /** Whatever of ours stands in the kernel. */
    const inKernel = async () => {
      const lists = [await system.run('ipset', 'list', '-name')];
      for (const tool of ['iptables', 'ip6tables'])
        for (const table of ['raw', 'mangle', 'filter'])
          lists.push(await system.run(tool, '-t', table, '-S'));
      return lists
        .join('\n')
        .split('\n')
        .filter((line) => line.includes('portcullis'));
    };

    if (spawnSync('lintian', ['--version']).status === 0)
      test('lintian has nothing against it', () => {
        const uncompressed = 'uses-no-compression-for-data-tarball,uses-no-compression-for-control-tarball';
        const { status, stdout } = spawnSync(
          'lintian',
          [
            '--fail-on=error,warning',
            `--suppress-tags=${uncompressed}`,
            '--allow-root',
            join(root, 'srv', 'second.deb'),
          ],
          { encoding: 'utf8' },
        );
        expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
      }, 300_000);
    else test.skip('lintian is not installed', () => {});

    test('installing starts the service, says that protection is off, and needs nothing more', async () => {
      const printed = await follow('Install for good', /build-deb|apt-get install/);
      expect(printed).toContain("turn it on with 'portcullis enable'");
      expect(await system.run('systemctl', 'is-active', UNIT)).toBe('active\n');
      expect(await system.run('systemctl', 'is-enabled', UNIT)).toBe('enabled\n');
      expect(await status()).toMatchObject({ state: 'disabled', rules: { failed: 0 } });
      expect(await system.run('dpkg', '--verify', 'portcullis')).toBe('');
      expect(await system.run('man', '--where', 'portcullis')).toContain('portcullis.8');
      expect((await system.exec('systemd-analyze', 'verify', UNIT)).stderr).toBe('');
    });

    test('enabled on a gateway it blocks the attack, bans, and serves the rest', async () => {
      mkdirSync(join(root, 'etc/portcullis/rules'));
      writeFileSync(join(root, 'etc/portcullis/rules/test.rules'), attackRules);
      appendFileSync(
        configuration(),
        [
          `protect: { networks: [${lab.address('server', 4)}/24, "${lab.address('server', 6)}/64"] }`,
          'rule-files: [/usr/share/portcullis/rules, /etc/portcullis/rules]',
          'never-block: [self]',
          '',
        ].join('\n'),
      );
      await system.run('systemctl', 'restart', UNIT);
      await follow('Install for good', /portcullis enable/);
      // It would end with 1 where a check fails.
      expect(await follow('Install for good', /portcullis doctor/)).toContain('0 failed');
      expect(await get('/ordinary', 4, 5000)).toMatchObject({ complete: true });
      expect(await get(ATTACK_PATH, 4, 1500)).toMatchObject({ complete: false });
      expect(await banned()).toEqual([lab.address('attacker', 4)]);
      expect(await get('/ordinary', 4, 1000)).toMatchObject({ connected: false });
      expect(await get('/ordinary', 6, 5000)).toMatchObject({ complete: true });
      expect((await status()).packets.received).toBeGreaterThan(0);
    });

    test('Prometheus has its numbers, and Grafana its files, by the lines of the README', async () => {
      const heading = 'Metrics and dashboards';
      await follow(heading, /prometheus/);
      await waitUntil(async () => / => 1 @/.test(await follow(heading, /promtool query/)), {
        timeout: 90_000,
        what: 'the engine in Prometheus',
      });
      const rules = await system.run(
        'promtool',
        'query',
        'instant',
        PROMETHEUS,
        'count(ALERTS) or vector(0)',
      );
      expect(rules).toMatch(/ => \d+ @/);
      mkdirSync(join(root, 'etc/grafana'));
      await follow(heading, /grafana\//);
      expect(existsSync(join(root, 'etc/grafana/provisioning/datasources/portcullis.yaml'))).toBe(true);
      expect(readdirSync(join(root, 'var/lib/grafana/dashboards')).sort()).toEqual([
        'attackers.json',
        'datapath.json',
        'overview.json',
      ]);
      for (const folder of ['etc/grafana', 'var/lib/grafana'])
        rmSync(join(root, folder), { recursive: true });
      await system.run('systemctl', 'stop', 'prometheus');
    });

    test('systemd has taken from it what the unit says', async () => {
      const pid = await mainProcess();
      const process = await system.run('cat', `/proc/${pid}/status`);
      expect(BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(process)?.[1]}`)).toBe(CAPABILITIES);
      expect(BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(process)?.[1]}`)).toBe(CAPABILITIES);
      expect(process).toMatch(/^NoNewPrivs:\s*1$/m);
      expect(process).toMatch(/^Seccomp:\s*2$/m);
      const mounts = await system.run('cat', `/proc/${pid}/mounts`);
      expect(mounts).toMatch(/^\S+ \/ \S+ ro,/m);
      for (const place of [
        '/var/lib/portcullis',
        '/var/log/portcullis',
        '/run/portcullis',
        '/run/xtables.lock',
      ])
        expect(mounts).toMatch(new RegExp(`^\\S+ ${place} \\S+ rw,`, 'm'));
    });

    test('the timer is off, and what it would start fetches rules behind its own restrictions', async () => {
      expect((await system.exec('systemctl', 'is-enabled', TIMER)).stdout).toBe('disabled\n');
      await system.run('systemctl', 'enable', '--now', TIMER);
      await system.run('tar', '-C', '/etc/portcullis/rules', '-czf', '/srv/more.tar.gz', 'test.rules');
      const before = readFileSync(configuration(), 'utf8');
      appendFileSync(
        configuration(),
        'rule-sources: [{ name: ours, url: "file:///srv/more.tar.gz", checksum: "off" }]\n',
      );
      await system.run('systemctl', 'start', 'portcullis-rules-update.service');
      expect(await system.property('portcullis-rules-update.service', 'Result')).toBe('success');
      expect(await system.run('find', '/var/lib/portcullis', '-name', '*.rules')).toContain('/ours/');
      writeFileSync(configuration(), before);
    });

    test('reloading is waited for, and a wrong configuration is told and leaves all as it was', async () => {
      await system.run('systemctl', 'reload', UNIT);
      const before = readFileSync(configuration(), 'utf8');
      appendFileSync(configuration(), 'block-duratoin: 2h\n');
      expect((await system.exec('systemctl', 'reload', UNIT)).code).not.toBe(0);
      writeFileSync(configuration(), before);
      expect(await system.run('systemctl', 'is-active', UNIT)).toBe('active\n');
      expect((await status()).state).toBe('protecting');
    });

    /** A connection that goes on while something happens to the engine. */
    async function across(
      connection: LabConnection,
      word: string,
      action: () => Promise<unknown>,
    ): Promise<void> {
      await connection.write(`before ${word};`);
      await connection.receive(new RegExp(`before ${word};`), 10_000);
      const acting = action();
      await connection.write(`during ${word};`);
      await connection.receive(new RegExp(`during ${word};`), 30_000);
      await acting;
      await connection.write(`after ${word};`);
      await connection.receive(new RegExp(`after ${word};`), 10_000);
    }

    test('a restart keeps bans and does not cut connections', async () => {
      const connection = await lab.connect('attacker', { host: lab.target(6), port: ECHO });
      const before = await mainProcess();
      await across(connection, 'restart', () => system.run('systemctl', 'restart', UNIT));
      // It ended by itself, systemd did not have to kill it.
      expect(await system.run('journalctl', '--unit', UNIT)).not.toMatch(/timed out|could not be run/);
      expect(await mainProcess()).not.toBe(before);
      expect((await status()).state).toBe('protecting');
      expect(await banned()).toEqual([lab.address('attacker', 4)]);
      expect(await get('/ordinary', 4, 1000)).toMatchObject({ connected: false });
      await connection.end();
    });

    test('an upgrade restarts the engine, keeps configuration and bans, and cuts no connection of many', async () => {
      const more = ['198.51.100.1', '198.51.100.2', '2001:db8::/48'];
      for (const address of more) await system.run('portcullis', 'bans', 'add', address, '--for', '1h');
      const before = await mainProcess();
      const mine = readFileSync(configuration(), 'utf8');
      const bans = await banned();
      expect(bans).toEqual(expect.arrayContaining(more));
      const seen = await underLoad(lab, lab.target(6), { http: HTTP, echo: ECHO }, () =>
        system.run('dpkg', '--install', '/srv/second.deb'),
      );
      expect(seen).toMatchObject({ unanswered: 0 });
      expect(seen.requests).toBeGreaterThan(20);
      expect(await system.run('dpkg-query', '--show', '--showformat', fields, 'portcullis')).toBe(
        '1.0.1 Somebody Else <else@packages.example>',
      );
      expect(await mainProcess()).not.toBe(before);
      expect(readFileSync(configuration(), 'utf8')).toBe(mine);
      expect((await status()).state).toBe('protecting');
      expect(await banned()).toEqual(bans);
      await system.run('portcullis', 'bans', 'remove', ...more);
    });

    test('an upgrade does not end an engine whose configuration would not start again', async () => {
      const before = await mainProcess();
      const mine = readFileSync(configuration(), 'utf8');
      appendFileSync(configuration(), 'block-duratoin: 2h\n');
      const { code, stderr } = await system
        .exec('dpkg', '--install', '/srv/second.deb')
        .finally(() => writeFileSync(configuration(), mine));
      expect(code).toBe(0);
      expect(stderr).toContain('the engine was not restarted');
      expect(await mainProcess()).toBe(before);
    });

    test('an engine that hangs is ended and started again', async () => {
      mkdirSync(join(root, `etc/systemd/system/${UNIT}.d`), { recursive: true });
      writeFileSync(join(root, `etc/systemd/system/${UNIT}.d/test.conf`), '[Service]\nWatchdogSec=8s\n');
      await system.run('systemctl', 'daemon-reload');
      await system.run('systemctl', 'restart', UNIT);
      const before = await mainProcess();
      await system.run('systemctl', 'kill', '--kill-whom=main', '--signal=SIGSTOP', UNIT);
      await waitUntil(
        async () => {
          const now = await mainProcess();
          return now !== '0' && now !== before && (await system.property(UNIT, 'ActiveState')) === 'active';
        },
        { timeout: 90_000, what: 'another engine' },
      );
      expect((await status()).state).toBe('protecting');
      expect(await banned()).toEqual([lab.address('attacker', 4)]);
      rmSync(join(root, `etc/systemd/system/${UNIT}.d`), { recursive: true });
      await system.run('systemctl', 'daemon-reload');
    });

    test('removing leaves nothing in the kernel, and keeps what an administrator has made', async () => {
      await system.run(
        'iptables',
        '-t',
        'mangle',
        '-A',
        'portcullis_bypass',
        '-p',
        'tcp',
        '--dport',
        '8443',
        '-j',
        'ACCEPT',
      );
      expect((await inKernel()).length).toBeGreaterThan(20);
      const printed = await follow('Install for good', /apt-get remove/);
      expect(printed).toContain(
        'iptables -t mangle -A portcullis_bypass -p tcp -m tcp --dport 8443 -j ACCEPT',
      );
      expect(await inKernel()).toEqual([]);
      expect(await get('/let-in', 4, 5000)).toMatchObject({ complete: true });
      expect(existsSync(configuration())).toBe(true);
      expect(existsSync(join(root, 'var/lib/portcullis/state.json'))).toBe(true);
      expect(existsSync(join(root, 'usr/lib/portcullis'))).toBe(false);
    });

    test('installed again, it protects and bans as before', async () => {
      const printed = await system.run('dpkg', '--install', '/srv/second.deb');
      expect(printed).not.toContain('error');
      expect((await status()).state).toBe('protecting');
      expect(await banned()).toEqual([lab.address('attacker', 4)]);
    });

    test('purging leaves a clean host', async () => {
      rmSync(join(root, 'etc/portcullis/rules'), { recursive: true });
      await follow('Install for good', /apt-get purge/);
      expect(await inKernel()).toEqual([]);
      const left = await system.run(
        'find',
        '/',
        '-xdev',
        '-name',
        '*portcullis*',
        // What man has laid by is its own affair, and the checkout the reader's.
        ...['/var/cache/man/*', '/srv/reader/*'].flatMap((path) => ['-not', '-path', path]),
      );
      expect(left).toBe('');
      expect(
        await system.run('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'portcullis*'),
      ).toBe('');
      // It ends with 1 where there are none.
      expect((await system.exec('systemctl', 'list-unit-files', '--no-legend', 'portcullis*')).stdout).toBe(
        '',
      );
    });
  });
