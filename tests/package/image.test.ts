/**
 * The image that docker/Dockerfile describes: built by buildah, and run on the gateway between an attacker and a server
 * with what compose.yaml gives it: two capabilities, a file system that is read-only, and three places to write to.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatusAnswer } from '@portcullis/control';
import { Lab, type LabProcess, waitUntil } from '@portcullis/testkit';
import { parse } from 'yaml';
import { ATTACK_PATH, attackRules } from '../lab/engine';
import { repository } from '../ops/prometheus-tools';
import { debianRootMissing } from './debian-root';
import { buildahMissing, ImageBuilder, type ImageConfiguration } from './image-builder';

const HTTP = 80;
const IMAGE = 'localhost/portcullis:test';
const CAPABILITIES = (1n << 12n) | (1n << 13n); // CAP_NET_ADMIN, CAP_NET_RAW

/** What a container engine would make of compose.yaml. $1: files of the image, $2: what is mounted; then the program. */
const contain = `
set -e
root=$1 mounted=$2; shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
for place in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$place"; done
for device in null zero full random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
for place in etc var/lib var/log; do
  mkdir -p "$root/$place/portcullis"
  mount --bind "$mounted/$place" "$root/$place/portcullis"
done
mount -o remount,bind,ro "$root/etc/portcullis"
mount -o remount,bind,ro "$root"
exec chroot "$root" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin NODE_ENV=production PORTCULLIS_LOG_TEXT=1 \\
  setpriv --bounding-set=-all,+net_admin,+net_raw --inh-caps=-all --no-new-privs "$@"
`;

const missing = buildahMissing() ?? debianRootMissing() ?? Lab.available();
jest.setTimeout(120_000);

if (missing !== null) test.skip(`the image: ${missing}`, () => {});
else
  describe('the image', () => {
    const mounted = mkdtempSync(join(tmpdir(), 'portcullis-volumes-'));
    const builder = new ImageBuilder();
    let lab: Lab;
    let files: string;
    let image: ImageConfiguration;
    let engine: LabProcess;

    beforeAll(async () => {
      builder.build(IMAGE);
      image = builder.configuration(IMAGE);
      files = builder.files(IMAGE);
      for (const place of ['etc', 'var/lib', 'var/log']) mkdirSync(join(mounted, place), { recursive: true });
      lab = new Lab('pcimg');
      await lab.httpServer('server', HTTP);
      writeFileSync(join(mounted, 'etc', 'test.rules'), attackRules);
      writeFileSync(
        join(mounted, 'etc', 'portcullis.yaml'),
        `protect: { networks: [${lab.address('server', 4)}/24] }\nrule-files: [/etc/portcullis/test.rules]\nnever-block: [self]\n`,
      );
    }, 3_600_000);
    afterAll(async () => {
      if (engine?.running) {
        engine.kill('SIGKILL');
        await engine.exited;
      }
      lab?.destroy();
      builder.destroy();
      rmSync(mounted, { recursive: true, force: true });
    }, 120_000);

    const inside = (...argv: string[]) =>
      lab.exec('gateway', ['nsenter', `--target=${engine.pid}`, '--mount', '--root', '--wdns=/', ...argv], {
        timeout: 30_000,
      });
    const get = (path: string, timeout: number) =>
      lab.httpGet('attacker', path, { host: lab.target(4), port: HTTP, timeout });
    const healthy = async () => (await inside(...image.Healthcheck.Test.slice(1))).code;

    test('says how it is run, and holds neither compiler nor sources', () => {
      expect(image).toMatchObject({ User: 'root', WorkingDir: '/opt/portcullis', Cmd: ['run', '--enable'] });
      expect(Object.keys(image.Volumes)).toEqual(['/var/lib/portcullis', '/var/log/portcullis']);
      expect(image.Healthcheck.Test[0]).toBe('CMD');
      const all = readdirSync(join(files, 'opt/portcullis'), { recursive: true }) as string[];
      expect(
        all.filter((name) =>
          /(^packages\/[^/]+\/src|node_modules\/(jest|typescript|@swc\/[^/]+))$/.test(name),
        ),
      ).toEqual([]);
      expect(readdirSync(join(files, 'usr/bin')).filter((name) => /^(gcc|g\+\+|make)$/.test(name))).toEqual(
        [],
      );
    });

    test('its command runs without a network and without rights', async () => {
      const version = await lab.exec('gateway', ['chroot', files, ...image.Entrypoint, '--version']);
      const { version: expected } = JSON.parse(
        readFileSync(join(repository, 'packages/cli/package.json'), 'utf8'),
      ) as {
        version: string;
      };
      expect(version).toMatchObject({ code: 0, stdout: `${expected}\n` });
      const rules = await lab.exec('gateway', [
        'chroot',
        files,
        ...image.Entrypoint,
        'rules',
        'check',
        '/opt/portcullis/rules',
      ]);
      expect(rules).toMatchObject({ code: 0, stderr: '' });
    });

    test('with what compose.yaml gives it, it protects, and the health check sees that', async () => {
      engine = lab.spawn('gateway', [
        'unshare',
        '--mount',
        'sh',
        '-c',
        contain,
        'sh',
        files,
        mounted,
        ...image.Entrypoint,
        ...image.Cmd,
      ]);
      await engine.waitFor(/protecting:/, 60_000);
      expect(await healthy()).toBe(0);
      expect(await get('/ordinary', 5000)).toMatchObject({ complete: true });
      expect(await get(ATTACK_PATH, 1500)).toMatchObject({ complete: false });
      expect(await get('/ordinary', 1000)).toMatchObject({ connected: false });
      const { stdout } = await inside(...image.Entrypoint, 'status', '--json');
      expect(JSON.parse(stdout) as StatusAnswer).toMatchObject({
        state: 'protecting',
        bans: { active: 1 },
      });
      expect(readFileSync(join(mounted, 'var/log/eve.json'), 'utf8')).toContain('"event_type":"alert"');
    });

    test('it holds two capabilities and can write to its three places only', async () => {
      const status = readFileSync(`/proc/${engine.pid}/status`, 'utf8');
      for (const set of ['Eff', 'Bnd'])
        expect(BigInt(`0x${new RegExp(`^Cap${set}:\\s*(\\w+)`, 'm').exec(status)?.[1]}`)).toBe(CAPABILITIES);
      expect(readFileSync(`/proc/${engine.pid}/mounts`, 'utf8')).toMatch(/^\S+ \/ \S+ ro,/m);
      expect((await inside('touch', '/opt/portcullis/x')).stderr).toContain('Read-only');
    });

    test('told to stop, it is away in time and leaves no rule behind', async () => {
      const { services } = parse(readFileSync(join(repository, 'docker/compose.yaml'), 'utf8')) as {
        services: { portcullis: { stop_grace_period: string } };
      };
      const began = Date.now();
      engine.kill('SIGTERM');
      expect((await engine.exited).code).toBe(0);
      expect(Date.now() - began).toBeLessThan(
        Number.parseInt(services.portcullis.stop_grace_period, 10) * 1000,
      );
      await waitUntil(
        async () => {
          const { stdout } = await lab.exec('gateway', ['iptables-save', '-t', 'mangle']);
          return !stdout.includes('NFQUEUE');
        },
        { what: 'the rules to be gone' },
      );
    });
  });
