/**
 * docker/compose.yaml by Docker itself: the engine builds the image from the Dockerfile and runs it on the gateway between
 * an attacker and a server, beside a Prometheus. What comes from a registry elsewhere is made here, under the same names.
 */
import { spawnSync } from 'node:child_process';
import { chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatusAnswer } from '@portcullis/control';
import { Lab, waitUntil } from '@portcullis/testkit';
import { parse } from 'yaml';
import { ATTACK_PATH, attackRules } from '../lab/engine';
import { composeProgram } from '../ops/compose-program';
import { programMissing, repository } from '../ops/prometheus-tools';
import { debianRootMissing } from './debian-root';
import { DockerEngine, dockerMissing } from './docker-engine';
import { imagesBuiltOn } from './image-builder';
import { makeNodeRoot, nodeRootEnvironment, nodeRootMissing } from './node-root';

const HTTP = 80;
const CAPABILITIES = (1n << 12n) | (1n << 13n); // CAP_NET_ADMIN, CAP_NET_RAW
const NOBODY = 65534;
const COMPOSE = join(repository, 'docker', 'compose.yaml');

interface Services {
  services: Record<'prometheus', { image: string }>;
}
const { services } = parse(readFileSync(COMPOSE, 'utf8')) as Services;

/** What `docker inspect` tells of a container. */
interface Container {
  State: { Status: string; Pid: number; ExitCode: number; Health?: { Status: string } };
}

const missing = dockerMissing() ?? nodeRootMissing() ?? debianRootMissing() ?? Lab.available();
jest.setTimeout(120_000);

if (missing !== null) test.skip(`compose.yaml by Docker: ${missing}`, () => {});
else
  describe('compose.yaml by Docker', () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-docker-'));
    const here = join(folder, 'here.yaml');
    const file = join(folder, 'compose.yaml');
    const compose = [
      ...['--project-directory', join(repository, 'docker'), '--project-name', 'portcullis'],
      ...['--file', file, '--file', here],
    ];
    let lab: Lab;
    let engine: DockerEngine;
    let id: string;

    /** Makes images of a Debian with this machine's Node.js, and of one with its Prometheus, by the names that are asked for. */
    function makeImages(builder: DockerEngine): void {
      const root = makeNodeRoot();
      const archive = join(folder, 'image.tar');
      const make = (name: string, ...changes: string[]) => {
        builder.docker('import', ...changes.flatMap((change) => ['--change', change]), archive, name);
      };
      const pack = () => {
        const { status, stderr } = spawnSync('tar', ['-C', root, '-cf', archive, '.'], { encoding: 'utf8' });
        if (status !== 0) throw new Error(`tar: ${stderr}`);
      };
      try {
        pack();
        const environment = Object.entries(nodeRootEnvironment).map(([key, value]) => `${key}=${value}`);
        for (const name of imagesBuiltOn()) make(name, `ENV ${environment.join(' ')}`);
        if (programMissing('promtool') !== null) return;
        cpSync('/usr/bin/prometheus', join(root, 'bin', 'prometheus'));
        mkdirSync(join(root, 'prometheus'));
        chownSync(join(root, 'prometheus'), NOBODY, NOBODY);
        pack();
        make(
          services.prometheus.image,
          `USER ${NOBODY}`,
          'VOLUME /prometheus',
          'ENTRYPOINT ["/bin/prometheus"]',
        );
      } finally {
        rmSync(root, { recursive: true, force: true });
        rmSync(archive, { force: true });
      }
    }

    beforeAll(async () => {
      mkdirSync(join(folder, 'etc'));
      // Version 1, which Debian 12 has, knows no name in the file.
      const text = readFileSync(COMPOSE, 'utf8');
      writeFileSync(file, composeProgram()?.version === 1 ? text.replace(/^name: .*$/m, '') : text);
      // The build fetches packages; the network that is protected has no way out, and this machine's is left alone.
      writeFileSync(
        here,
        `services:\n  portcullis:\n    build: { network: host }\n    volumes: ["${folder}/etc:/etc/portcullis:ro"]\n`,
      );
      const builder = await DockerEngine.start(folder, null);
      try {
        makeImages(builder);
        builder.compose(...compose, 'build', 'portcullis');
      } finally {
        await builder.destroy();
      }
      lab = new Lab('pcdoc');
      await lab.httpServer('server', HTTP);
      writeFileSync(join(folder, 'etc', 'test.rules'), attackRules);
      writeFileSync(
        join(folder, 'etc', 'portcullis.yaml'),
        `protect: { networks: [${lab.address('server', 4)}/24] }\nrule-files: [/etc/portcullis/test.rules]\nnever-block: [self]\n`,
      );
      engine = await DockerEngine.start(folder, lab);
      engine.compose(...compose, 'up', '--detach', '--no-build', 'portcullis');
      id = engine.compose(...compose, 'ps', '--quiet', 'portcullis').trim();
    }, 3_600_000);
    afterAll(async () => {
      await engine?.destroy();
      lab?.destroy();
      rmSync(folder, { recursive: true, force: true });
    }, 120_000);

    const container = () => (JSON.parse(engine.docker('inspect', id)) as [Container])[0];
    const inside = (...argv: string[]) => engine.docker('exec', id, ...argv);
    const status = () =>
      JSON.parse(
        inside('node', '/opt/portcullis/packages/cli/bin/portcullis.js', 'status', '--json'),
      ) as StatusAnswer;
    const healthy = () =>
      waitUntil(() => container().State.Health?.Status === 'healthy', {
        timeout: 90_000,
        what: 'Docker to find it healthy',
      });
    const get = (path: string, timeout: number) =>
      lab.httpGet('attacker', path, { host: lab.target(4), port: HTTP, timeout });
    const queueRules = async () =>
      (await lab.run('gateway', ['iptables-save', '-t', 'mangle'])).match(/NFQUEUE/g);

    test('it is found healthy, protects and bans', async () => {
      await healthy();
      expect(await get('/ordinary', 5000)).toMatchObject({ complete: true });
      expect(await get(ATTACK_PATH, 1500)).toMatchObject({ complete: false });
      expect(await get('/ordinary', 1000)).toMatchObject({ connected: false });
      expect(status()).toMatchObject({ state: 'protecting', bans: { active: 1 } });
      expect(inside('cat', '/var/log/portcullis/eve.json')).toContain('"event_type":"alert"');
    });

    test('it has two capabilities, no way to more, and a file system that is read-only', () => {
      const process = inside('cat', '/proc/1/status');
      for (const set of ['Eff', 'Bnd'])
        expect(BigInt(`0x${new RegExp(`^Cap${set}:\\s*(\\w+)`, 'm').exec(process)?.[1]}`)).toBe(CAPABILITIES);
      expect(process).toMatch(/^NoNewPrivs:\s*1$/m);
      expect(inside('cat', '/proc/1/mounts')).toMatch(/^\S+ \/ \S+ ro,/m);
    });

    const prometheus = programMissing('promtool');
    if (prometheus !== null) test.skip(`Prometheus beside it: ${prometheus}`, () => {});
    else
      test('Prometheus beside it has its numbers and evaluates its alerts', async () => {
        engine.compose(...compose, 'up', '--detach', '--no-build', 'prometheus');
        const ask = async (query: string) =>
          (await lab.exec('gateway', ['promtool', 'query', 'instant', 'http://127.0.0.1:9090', query]))
            .stdout;
        await waitUntil(async () => / => 1 @/.test(await ask('portcullis_protecting')), {
          timeout: 90_000,
          what: 'the engine in Prometheus',
        });
        expect(await ask('count(ALERTS) or vector(0)')).toMatch(/ => \d+ @/);
      });

    test('killed, it is started again and keeps its bans', async () => {
      const { Pid: before } = container().State;
      engine.kill(before);
      await waitUntil(
        () => {
          const { Status, Pid } = container().State;
          return Status === 'running' && Pid !== before;
        },
        { timeout: 60_000, what: 'Docker to start it again' },
      );
      await healthy();
      expect(status()).toMatchObject({ state: 'protecting', bans: { active: 1 } });
    });

    test('told to stop, it is away in time and leaves no rule behind', async () => {
      expect(await queueRules()).not.toBeNull();
      engine.compose(...compose, 'stop', 'portcullis');
      // Docker would have killed it when the time for that was over.
      expect(container().State).toMatchObject({ Status: 'exited', ExitCode: 0 });
      expect(await queueRules()).toBeNull();
    });
  });
