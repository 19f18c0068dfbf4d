/**
 * Images made with buildah from docker/Dockerfile, step by step and without a container engine. What the file builds on
 * comes from a registry; here it is a Debian of debootstrap with this machine's own Node.js, under the same names.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instructions } from '../ops/dockerfile';
import { repository } from '../ops/prometheus-tools';
import { makeNodeRoot, nodeRootEnvironment, nodeRootMissing } from './node-root';

const dockerfile = join(repository, 'docker', 'Dockerfile');
const HALF_AN_HOUR = 1_800_000;
/** The images that the Dockerfile builds on. */
export function imagesBuiltOn(): string[] {
  return instructions(readFileSync(dockerfile, 'utf8'))
    .filter((one) => one.name === 'FROM')
    .map(({ rest }) => rest.split(' ')[0] as string);
}

export function buildahMissing(): string | null {
  if (spawnSync('buildah', ['--version']).status !== 0)
    return 'buildah is not installed (apt-get install buildah)';
  return nodeRootMissing();
}

/** What an image says of itself, as `docker inspect` has it. */
export interface ImageConfiguration {
  Entrypoint: string[];
  Cmd: string[];
  User: string;
  WorkingDir: string;
  Volumes: Record<string, object>;
  Healthcheck: { Test: string[] };
}

export class ImageBuilder {
  private readonly directory = mkdtempSync(join(tmpdir(), 'portcullis-images-'));
  private readonly env: NodeJS.ProcessEnv;

  constructor() {
    const storage = join(this.directory, 'storage.conf');
    const place = (name: string) => `${name} = ${JSON.stringify(join(this.directory, name))}`;
    // vfs: needs nothing of the kernel.
    writeFileSync(storage, `[storage]\ndriver = "vfs"\n${place('runroot')}\n${place('graphroot')}\n`);
    this.env = { ...process.env, CONTAINERS_STORAGE_CONF: storage, BUILDAH_ISOLATION: 'chroot' };
  }

  /** Makes the images that the Dockerfile builds on, and builds it as compose.yaml says. */
  build(name: string): void {
    this.makeBases(imagesBuiltOn());
    const ignored = ['--ignorefile', `${dockerfile}.dockerignore`];
    const options = ['--pull-never', '--network=host', '--format=docker', ...ignored];
    this.buildah('bud', ...options, '--file', dockerfile, '--tag', name, repository);
  }

  configuration(name: string): ImageConfiguration {
    const { Docker } = JSON.parse(this.buildah('inspect', '--type=image', name)) as {
      Docker: { config: ImageConfiguration };
    };
    return Docker.config;
  }

  /** @returns the folder with the image's files */
  files(name: string): string {
    const container = this.buildah('from', '--pull-never', name).trim();
    return this.buildah('mount', container).trim();
  }

  destroy(): void {
    spawnSync('buildah', ['rm', '--all'], { env: this.env });
    rmSync(this.directory, { recursive: true, force: true });
  }

  private makeBases(names: readonly string[]): void {
    const root = makeNodeRoot();
    try {
      const container = this.buildah('from', 'scratch').trim();
      this.buildah('add', '--quiet', container, root, '/');
      for (const [key, value] of Object.entries(nodeRootEnvironment))
        this.buildah('config', '--env', `${key}=${value}`, container);
      const [first, ...others] = names.map((name) => `localhost/${name}`);
      this.buildah('commit', '--quiet', '--format=docker', '--rm', container, first as string);
      if (others.length > 0) this.buildah('tag', first as string, ...others);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  }

  private buildah(...argv: string[]): string {
    const done = spawnSync('buildah', argv, {
      env: this.env,
      encoding: 'utf8',
      timeout: HALF_AN_HOUR,
      maxBuffer: 1 << 28,
    });
    if (done.status !== 0)
      throw new Error(`buildah ${argv.join(' ')}: ${done.stdout}${done.stderr}${done.error ?? ''}`);
    return done.stdout;
  }
}
