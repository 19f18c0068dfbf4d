/**
 * The files for containers, without a container engine: what they refer to exists, versions are pinned, and keys
 * are ones that compose knows.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { composeProgram } from './compose-program';
import { dashboards } from './dashboards';
import { instructions, lint } from './dockerfile';
import { repository } from './prometheus-tools';

const docker = join(repository, 'docker');
const PINNED = /^[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9-]+)?$/;

interface Service {
  build?: { context: string; dockerfile: string };
  image: string;
  network_mode: string;
  cap_drop: string[];
  cap_add?: string[];
  security_opt: string[];
  command?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  depends_on?: string[];
}

/** The keys of the compose specification that we use. */
const serviceKeys = new Set(
  'build image restart network_mode cap_drop cap_add security_opt read_only tmpfs command environment volumes depends_on stop_grace_period'.split(
    ' ',
  ),
);

const wrong = `FROM debian
MAINTAINER somebody
COPY --from=nobody a b c
WORKDIR opt
ADD a.tar .
RUN cd /opt && apt-get install make
RUN sudo apt update | service cron start
RUN npm install left-pad
CMD run
CMD run
`;
const wrongToo = `FROM --platform=linux/amd64 debian:latest AS one
HEALTHCHECK NONE
FROM debian:12 AS one
ENTRYPOINT ["a"]
ENTRYPOINT ["b"]
`;

describe('Dockerfile', () => {
  const text = readFileSync(join(docker, 'Dockerfile'), 'utf8');
  const all = instructions(text);
  const of = (name: string) => all.filter((one) => one.name === name).map(({ rest }) => rest);

  test('instructions are ones there are, and it begins with FROM', () => {
    const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'ENV', 'VOLUME', 'USER', 'HEALTHCHECK', 'STOPSIGNAL'];
    known.push('ENTRYPOINT', 'CMD');
    expect(all[0]?.name).toBe('FROM');
    expect(all.filter(({ name }) => !known.includes(name))).toEqual([]);
  });

  test('images are pinned, and both stages have the same Node.js', () => {
    const images = of('FROM').map((rest) => rest.split(' ')[0] as string);
    expect(images).toHaveLength(2);
    for (const image of images) expect(image).toMatch(PINNED);
    expect(new Set(images.map((image) => /:(\d+\.\d+\.\d+)/.exec(image)?.[1])).size).toBe(1);
  });

  test('what is copied exists', () => {
    let copied = 0;
    for (const rest of of('COPY')) {
      const words = rest.split(' ');
      const stage = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined;
      if (stage !== undefined) expect(of('FROM').some((from) => from.endsWith(` AS ${stage}`))).toBe(true);
      for (const source of words.slice(0, -1)) {
        const path = stage === undefined ? source : source.replace(/^\/opt\/portcullis\//, '');
        // npm makes this one in the build stage.
        if (path !== 'node_modules')
          expect({ path, exists: existsSync(join(repository, path)) }).toEqual({ path, exists: true });
        copied++;
      }
    }
    expect(copied).toBeGreaterThan(8);
  });

  test('what the root project needs is copied into the build stage', () => {
    const copied = of('COPY')
      .filter((rest) => !rest.startsWith('--from'))
      .join(' ')
      .split(' ');
    const { references } = JSON.parse(readFileSync(join(repository, 'tsconfig.json'), 'utf8')) as {
      references: { path: string }[];
    };
    for (const { path } of references) expect(copied).toContain(path.split('/')[0]);
  });

  test("hadolint's rules are kept", () => {
    expect(lint(text)).toEqual([]);
    // And what breaks them is found.
    expect(lint(wrong)).toEqual(
      'DL3000 DL3001 DL3003 DL3004 DL3006 DL3009 DL3014 DL3015 DL3016 DL3020 DL3021 DL3022 DL3025 DL3027 DL3045 DL3057 DL3059 DL4000 DL4003 DL4006'.split(
        ' ',
      ),
    );
    expect(lint(wrongToo)).toEqual(['DL3007', 'DL3024', 'DL3029', 'DL4004']);
  });

  test('the image has what scripts/prepare.mjs says the engine needs', () => {
    const recipe = readFileSync(join(repository, 'scripts', 'prepare.mjs'), 'utf8');
    const run = /^ {2}run: \[(.*)\],$/m.exec(recipe)?.[1]?.match(/[a-z0-9.-]+/g) ?? [];
    expect(run.length).toBeGreaterThan(2);
    for (const name of run) expect(of('RUN').join(' ')).toContain(` ${name} `);
  });

  test('commands are lists, and start what there is', () => {
    const entry = JSON.parse(of('ENTRYPOINT')[0] as string) as string[];
    expect(existsSync(join(repository, (entry[1] as string).replace('/opt/portcullis/', '')))).toBe(true);
    expect(JSON.parse(of('CMD')[0] as string)).toEqual(['run', '--enable']);
    expect(JSON.parse((of('HEALTHCHECK')[0] as string).split(' CMD ')[1] as string)).toHaveLength(3);
  });
});

describe('compose.yaml', () => {
  const read = parse(readFileSync(join(docker, 'compose.yaml'), 'utf8')) as {
    services: Record<string, Service>;
    volumes: Record<string, null>;
  };

  test('keys are ones that compose knows, images are pinned, privileges are taken away', () => {
    expect(Object.keys(read).sort()).toEqual(['name', 'services', 'volumes']);
    expect(Object.keys(read.services)).toEqual(['portcullis', 'prometheus', 'grafana']);
    for (const service of Object.values(read.services)) {
      expect(Object.keys(service).filter((key) => !serviceKeys.has(key))).toEqual([]);
      expect(service.image).toMatch(PINNED);
      expect(service.network_mode).toBe('host');
      expect(service.cap_drop).toEqual(['ALL']);
      expect(service.security_opt).toEqual(['no-new-privileges:true']);
      for (const name of service.depends_on ?? []) expect(Object.keys(read.services)).toContain(name);
      for (const volume of service.volumes ?? []) expect(volume).toMatch(/^[^:]+:\/[^:]+(:ro)?$/);
    }
  });

  const compose = composeProgram();
  if (compose === null)
    test.skip('neither docker compose nor docker-compose is installed (apt-get install docker-compose)', () => {});
  else
    test(`${compose.argv.join(' ')} takes it, and would refuse a key there is not`, () => {
      const text = readFileSync(join(docker, 'compose.yaml'), 'utf8');
      const config = (input: string) =>
        spawnSync(
          compose.argv[0] as string,
          [...compose.argv.slice(1), '--project-directory', docker, '--file', '-', 'config', '--quiet'],
          // Version 1 does not know the specification's name of the project.
          {
            input: compose.version === 1 ? input.replace(/^name: .*$/m, '') : input,
            encoding: 'utf8',
            env: { ...process.env, GRAFANA_PASSWORD: 'secret' },
          },
        );
      const { status, stderr } = config(text);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const refused = config(text.replace('read_only: true', 'read_onyl: true'));
      expect(refused).toMatchObject({ stderr: expect.stringContaining('read_onyl') });
      expect(refused.status).not.toBe(0);
    });

  test('the engine has two capabilities, nobody else has any', () => {
    for (const [name, { cap_add }] of Object.entries(read.services))
      expect(cap_add ?? []).toEqual(name === 'portcullis' ? ['NET_ADMIN', 'NET_RAW'] : []);
  });

  test('volumes are declared, and files of ours exist', () => {
    const sources = Object.values(read.services).flatMap(({ volumes }) =>
      (volumes ?? []).map((volume) => volume.split(':')[0] as string),
    );
    for (const source of sources) {
      if (source.startsWith('.')) expect(existsSync(resolve(docker, source))).toBe(true);
      else if (!source.startsWith('/')) expect(Object.keys(read.volumes)).toContain(source);
    }
    expect(sources.filter((source) => source.startsWith('.'))).toHaveLength(4);
    const build = read.services.portcullis?.build;
    expect(existsSync(resolve(docker, build?.context ?? '', build?.dockerfile ?? ''))).toBe(true);
  });

  test('nothing listens beyond the loopback', () => {
    expect(read.services.prometheus?.command).toContain('--web.listen-address=127.0.0.1:9090');
    expect(read.services.grafana?.environment?.GF_SERVER_HTTP_ADDR).toBe('127.0.0.1');
  });
});

test('data sources and dashboards that Grafana is given fit together', () => {
  const { datasources } = parse(
    readFileSync(join(docker, 'grafana', 'provisioning', 'datasources', 'portcullis.yaml'), 'utf8'),
  ) as { datasources: { uid: string; type: string }[] };
  const provided = datasources.map(({ uid, type }) => `${type} ${uid}`);
  const boards = dashboards();
  expect(boards.map(({ uid }) => uid).sort()).toEqual([
    'portcullis-attackers',
    'portcullis-datapath',
    'portcullis-overview',
  ]);
  for (const { title, panels } of boards) {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title: panel, targets, gridPos } of panels) {
      expect({ title, panel, fits: gridPos.x + gridPos.w <= 24 }).toEqual({ title, panel, fits: true });
      expect(targets.length).toBeGreaterThan(0);
      for (const { datasource } of targets)
        expect(provided).toContain(`${datasource.type} ${datasource.uid}`);
    }
  }
});

test('the dashboards show what they promise', () => {
  const panels = Object.fromEntries(
    dashboards().map(({ uid, panels: all }) => [
      uid.replace('portcullis-', ''),
      all.map(
        ({ type, title, targets }) => `${type}: ${title}: ${targets.map(({ expr }) => expr).join(' ')}`,
      ),
    ]),
  );
  for (const [board, wanted] of [
    ['overview', [/^stat: Gateways up: .*up\{/, /by \(class\)/, /portcullis_bans_active/, /Top signatures/]],
    [
      'datapath',
      [
        /queued_total.*received_total.*dropped_total.*offloaded_total/,
        /^heatmap: .*verdict_seconds_bucket/,
        /queue_waiting_packets/,
        /stream_memory_bytes/,
      ],
    ],
    ['attackers', [/by \(src_ip\)/]],
  ] as const)
    for (const pattern of wanted) expect(panels[board]).toContainEqual(expect.stringMatching(pattern));
});
