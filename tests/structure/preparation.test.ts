/** What `npm start` does where npm's registry cannot be reached, with an npm that only says what it was asked. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const script = (name: string) =>
  JSON.stringify(pathToFileURL(join(__dirname, '..', '..', 'scripts', name)).href);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-preparation-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs a module's text. @param npm a shell's lines that stand for npm */
function runs(text: string, npm: string, env: NodeJS.ProcessEnv = {}) {
  const asked = join(folder, 'asked');
  writeFileSync(
    join(folder, 'npm'),
    `#!/bin/sh\necho "$1" "$npm_config_fetch_timeout" "$@" >> ${asked}\n${npm}\n`,
    {
      mode: 0o755,
    },
  );
  const { SUDO_UID: _, npm_config_fetch_timeout: __, ...rest } = process.env;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    encoding: 'utf8',
    env: { ...rest, PATH: `${folder}:${process.env.PATH}`, ...env },
  });
  return { ...result, asked: () => readFileSync(asked, 'utf8').trim().split('\n') };
}

const INSTALL = `
  import { main } from ${script('prepare.mjs')};
  import { installFromRegistryOrCache } from ${script('npm-packages.mjs')};
  main(installFromRegistryOrCache);
`;
const UNREACHABLE = `
  if [ "$1" = view ]; then
    echo '{ "error": { "code": "EAI_AGAIN", "summary": "FetchError: getaddrinfo EAI_AGAIN registry.test" } }'
    exit 1
  fi
`;

test('a registry that answers is installed from, with bounds for each request', () => {
  const { status, asked } = runs(INSTALL, '');
  expect(status).toBe(0);
  expect(asked()).toEqual([
    expect.stringMatching(/^view 60000 view /),
    expect.stringMatching(/^install 60000 install /),
  ]);
  expect(asked()[1]).not.toContain('--offline');
});

test("the user's own bound counts", () => {
  const { asked } = runs(INSTALL, '', { npm_config_fetch_timeout: '300000' });
  expect(asked()[1]).toMatch(/^install 300000 /);
});

test("where the registry cannot be reached npm's cache may do", () => {
  const { status, stdout, asked } = runs(INSTALL, UNREACHABLE);
  expect(status).toBe(0);
  expect(stdout).toContain(
    'cannot be reached (getaddrinfo EAI_AGAIN registry.test): trying with what npm has',
  );
  expect(asked()[1]).toMatch(/^install .* --offline/);
});

test('where neither does, the error says why and what to look at', () => {
  const { status, stderr } = runs(INSTALL, `${UNREACHABLE} exit 1`);
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^portcullis: npm packages cannot be fetched .*EAI_AGAIN registry\.test.*npm config set https-proxy.*run this command again/,
  );
});

test('what fails for another reason is shown as it is', () => {
  const { status, stderr } = runs(INSTALL, '[ "$1" = view ] || { echo "no space left" >&2; exit 1; }');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^no space left\nportcullis: 'npm install .*' failed/);
});

test('a program that takes long is spoken of, and ended once there is no use in it', () => {
  const { status, stdout, stderr } = runs(
    `
      import { finish, PreparationError } from ${script('commands.mjs')};
      import { main } from ${script('prepare.mjs')};
      main(() => finish('npm', [], {
        wordAfter: 0.01,
        nextWordAfter: 0.01,
        waiting: () => {
          if (globalThis.asked) throw new PreparationError('there is no use in it');
          globalThis.asked = true;
          return 'still at it';
        },
      }));
    `,
    'exec sleep 600',
  );
  expect(stdout).toMatch(/^· still at it \(\d+ s so far\)\n$/);
  expect(stderr).toBe('portcullis: there is no use in it\n');
  expect(status).toBe(1);
});
