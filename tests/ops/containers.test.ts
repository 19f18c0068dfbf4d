/**
 * The files for containers, without a container engine: what they refer to exists, versions are pinned, and keys
 * are ones that compose knows.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { dashboards } from './dashboards';
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

interface Instruction {
  name: string;
  rest: string;
}

/** Instructions of a Dockerfile; lines that end in a backslash go on. */
function instructions(path: string): Instruction[] {
  const text = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, ' ');
  return text.split('\n').flatMap((line) => {
    const [, name, rest] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) throw new Error(`no instruction: ${line}`);
    return [{ name, rest }];
  });
}

describe('Dockerfile', () => {
  const all = instructions(join(docker, 'Dockerfile'));
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

  test('lists of packages are taken away in the layer that fetched them, and nothing recommended comes along', () => {
    const installing = of('RUN').filter((rest) => rest.includes('apt-get install'));
    expect(installing.length).toBeGreaterThan(0);
    for (const rest of installing) {
      expect(rest).toContain('--no-install-recommends');
      expect(rest).toContain('rm -rf /var/lib/apt/lists/*');
    }
  });

  test('the image has what scripts/prepare.mjs says the engine needs', () => {
    const text = readFileSync(join(repository, 'scripts', 'prepare.mjs'), 'utf8');
    const run = /^ {2}run: \[(.*)\],$/m.exec(text)?.[1]?.match(/[a-z0-9.-]+/g) ?? [];
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
