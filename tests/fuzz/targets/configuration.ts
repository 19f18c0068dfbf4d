import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, loadConfiguration } from '../../../packages/configuration/src';
import { ConfigurationLayer } from '../../../packages/configuration/src/layer';
import { claim, type FuzzTarget } from '../target';

const EXAMPLES = join(__dirname, '../../../packaging');

/** The settings that are shipped, and some with much in them. */
function samples(): string[] {
  const shipped = readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(join(EXAMPLES, name), 'utf8'));
  return [
    ...shipped,
    'nfqueue:\n  queues: 2\n  fail-open: true\nrules:\n  files: [a.rules]\nvars:\n  HOME_NET: "[10.0.0.0/8]"\n',
    'a: &x {b: 1}\nc: *x\n<<: *x\n',
    'locked: [rules]\n',
  ];
}

function onlyConfigurationErrors(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    claim(error.message !== '', 'an error that says nothing');
  }
}

export function configurationTargets(): readonly FuzzTarget[] {
  return [
    {
      name: 'configuration/file',
      shape: 'text',
      weight: 0.1,
      seeds: () => samples().map((text) => Buffer.from(text)),
      start: () => {
        const folder = mkdtempSync(join(tmpdir(), 'portcullis-fuzz-'));
        const path = join(folder, 'configuration.yaml');
        return {
          run: (input) => {
            writeFileSync(path, input);
            onlyConfigurationErrors(() => void loadConfiguration({ file: path }));
            onlyConfigurationErrors(() => void loadConfiguration({ file: null, policy: path }));
          },
          close: () => rmSync(folder, { recursive: true }),
        };
      },
    },
    {
      name: 'configuration/assignment',
      shape: 'text',
      weight: 0.1,
      seeds: () =>
        ['nfqueue.queues=3', 'rules.files=[a,b]', 'a.b.c={d: [1, "x"]}'].map((text) => Buffer.from(text)),
      start: () => ({
        run: (input) => {
          const text = Buffer.from(input).toString('utf8');
          onlyConfigurationErrors(() => void ConfigurationLayer.fromAssignments([text]));
          onlyConfigurationErrors(() => void loadConfiguration({ file: null, overrides: [text] }));
          claim(({} as { polluted?: unknown }).polluted === undefined, 'every object has a new key');
        },
      }),
    },
  ];
}
