import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadOptions, resolveConfiguration } from './load';
import { prepareChange } from './settings';
import { exportSettings, settingRows } from './show';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'layers-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = (name: string, text: string) => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};
/** Local configuration with its state directory, and a policy where one is given. */
function options(local: string, policy?: string, ...overrides: string[]): LoadOptions {
  return {
    file: file('portcullis.yaml', `state-dir: ${join(directory, 'state')}\n${local}`),
    policy: policy === undefined ? null : file('policy.yaml', policy),
    overrides,
    settings: true,
  };
}
const settingsFile = () => join(directory, 'state', 'settings.yaml');
function stored(text: string): void {
  mkdirSync(join(directory, 'state'), { recursive: true });
  writeFileSync(settingsFile(), text);
}

test('the policy wins over --set, that over stored settings, those over the file', () => {
  const local =
    'block-duration: 10m\nflow: { max-flows: 2000 }\nmark: { mask: 1 }\nban-without-handshake: yes\n';
  stored('block-duration: 20m\nflow: { max-flows: 3000 }\nmark: { mask: 2 }\n');
  const { configuration, origin, hasPolicy } = resolveConfiguration(
    options(local, 'block-duration: 40m\n', 'mark.mask=3'),
  );
  expect(hasPolicy).toBe(true);
  expect(configuration['block-duration']).toBe(2400);
  expect(configuration.mark.mask).toBe(3);
  expect(configuration.flow['max-flows']).toBe(3000);
  expect(
    ['block-duration', 'mark.mask', 'flow.max-flows', 'ban-without-handshake', 'stream.memcap'].map((key) =>
      origin(key.split('.')),
    ),
  ).toEqual(['policy', 'command line', 'settings', 'file', 'default']);
});

test('mappings are merged, lists replaced', () => {
  stored('protect: { networks: [192.0.2.0/24] }\nvars: { address-groups: { A: "10.0.0.1" } }\n');
  const { configuration } = resolveConfiguration(
    options('protect: { host: no, networks: [10.0.0.0/8] }\nvars: { address-groups: { B: "10.0.0.2" } }\n'),
  );
  expect(configuration.protect).toMatchObject({ host: false, networks: ['192.0.2.0/24'] });
  expect(configuration.vars['address-groups']).toEqual({ A: '10.0.0.1', B: '10.0.0.2' });
});

test('what the policy sets or locks cannot be set elsewhere; the rest can', () => {
  const policy = 'block-duration: 40m\nlocked: [exclusions, scan]\n';
  const tried =
    (...overrides: string[]) =>
    () =>
      resolveConfiguration(options('', policy, ...overrides));
  expect(tried('block-duration=10m')).toThrow(/--set: block-duration: is set by the policy/);
  expect(tried('exclusions=[]')).toThrow(/exclusions: is set by the policy/);
  expect(tried('scan.ports=[80]')).toThrow(/scan\.ports: is set by the policy/);
  expect(tried('mark.mask=1')).not.toThrow();
  const change = () => prepareChange(options('', policy), { set: ['mark.mask=1', 'block-duration=10m'] });
  expect(change).toThrow(/config set: block-duration: is set by the policy/);
  expect(existsSync(settingsFile())).toBe(false);
});

test('a setting that the command line of the engine outdoes is refused instead of stored in vain', () => {
  const given = ['mark.mask=1', 'exclusions=[]', 'vars.address-groups.A=10.0.0.1'];
  const started = options('', undefined, ...given);
  const change = (...set: string[]) => prepareChange(started, { set });
  expect(() => change('block-duration=2h', 'mark.mask=2')).toThrow(
    /config set: mark\.mask: was given to the engine with --set/,
  );
  expect(() => change('exclusions=[{ src: 192.0.2.1, rule: do-not-scan }]')).toThrow(/start it without/);
  expect(change('block-duration=2h').keys).toEqual(['block-duration']);
  expect(change('vars.address-groups={}').keys).toEqual(['vars.address-groups']);
});

test.each([
  ['a wrong key', 'blok-duration: 1h\n', /policy\.yaml:1: blok-duration: .*did you mean 'block-duration'/],
  ['a wrong value', 'mark: { mask: 0 }\n', /policy\.yaml:1: mark\.mask/],
  ['a lock on no key', 'locked: [blocks]\n', /policy\.yaml:1: locked: 'blocks' is not a key/],
  ['locks that are no list', '\nlocked: exclusions\n', /policy\.yaml:2: locked: is not a list/],
])('a policy with %s is refused with its place', (_, policy, reason) => {
  expect(() => resolveConfiguration(options('', policy))).toThrow(reason);
});

test('a change is tried out before it is stored, and can be taken back', () => {
  const prepared = prepareChange(options('block-duration: 10m\n'), {
    set: ['block-duration=2h', 'flow.max-flows=5000'],
  });
  expect(prepared.keys).toEqual(['block-duration', 'flow.max-flows']);
  expect(prepared.resolved.configuration['block-duration']).toBe(7200);
  expect(existsSync(settingsFile())).toBe(false);
  prepared.store();
  expect(resolveConfiguration(options('block-duration: 10m\n')).configuration['block-duration']).toBe(7200);

  const second = prepareChange(options(''), { unset: ['block-duration'] });
  second.store();
  expect(resolveConfiguration(options('')).configuration['block-duration']).toBe(3600);
  expect(resolveConfiguration(options('')).configuration.flow['max-flows']).toBe(5000);
  second.undo();
  expect(resolveConfiguration(options('')).configuration['block-duration']).toBe(7200);
  prepared.undo();
  expect(existsSync(settingsFile())).toBe(false);
});

test.each([
  ['an impossible value', { set: ['block-duration=5s'] }, /settings\.yaml:1: block-duration: 5 is outside/],
  ['an unknown key', { set: ['nfqueue.quueues=1'] }, /did you mean 'queues'/],
  ['no assignment', { set: ['block-duration'] }, /not KEY=VALUE/],
  [
    'the place of the settings',
    { set: ['state-dir=/tmp/x'] },
    /state-dir: can only be said in the configuration file/,
  ],
  ['what is not set', { unset: ['block-duration'] }, /block-duration: is not set here/],
  ['a file that is none', { replace: 'a: [' }, /import:1: /],
  [
    'an exclusion of everything',
    { set: ['exclusions=[{ rule: do-not-scan }]'] },
    /exclusions\.0: covers everything/,
  ],
  [
    'an exclusion of all addresses',
    { set: ['exclusions=[{ src: 0.0.0.0/0, port: 0-65535, rule: do-not-block }]'] },
    /covers everything/,
  ],
  [
    'exclusions of two halves of the addresses',
    {
      set: [
        'exclusions=[{ src: "8000::/1", rule: do-not-scan }, { port: 22, rule: do-not-scan }, { src: "::/1", rule: do-not-block }]',
      ],
    },
    /exclusions: together cover everything of IPv6/,
  ],
  [
    'exclusions of all ports',
    { set: ['exclusions=[{ port: 1-79, rule: do-not-scan }, { port: 80-65535, rule: do-not-scan }]'] },
    /exclusions: together cover every port/,
  ],
  [
    'sparing everybody',
    { set: ['never-block=[self, "0.0.0.0/1", 128.0.0.0/1]'] },
    /never-block: covers everything; to ban nobody/,
  ],
] as const)('%s is refused, and nothing changes', (_, change, reason) => {
  expect(() => prepareChange(options(''), change)).toThrow(reason);
  expect(existsSync(settingsFile())).toBe(false);
});

test('settings that are not as they were written count, and are told', () => {
  const told = () => resolveConfiguration(options('')).warnings;
  expect(told()).toEqual([]);
  prepareChange(options(''), { set: ['block-duration=2h', 'protect.networks=[10.0.0.0/8]'] }).store();
  expect(told()).toEqual([]);
  // A cut leaves YAML all the same.
  writeFileSync(settingsFile(), readFileSync(settingsFile(), 'utf8').split('\n').slice(0, 2).join('\n'));
  expect(told()).toEqual([expect.stringMatching(/settings\.yaml is not as .* edited by hand, or damaged/)]);
  expect(resolveConfiguration(options('')).configuration).toMatchObject({
    'block-duration': 7200,
    protect: { networks: [] },
  });
  prepareChange(options(''), { set: ['block-duration=3h'] }).store();
  expect(told()).toEqual([]);
});

test('what was exported can be imported', () => {
  const local = 'block-duration: 90m\nprotect: { networks: [10.0.0.0/8] }\nnfqueue: { queues: 2-3 }\n';
  const exported = exportSettings(resolveConfiguration(options(local)));
  expect(exported).toContain('block-duration: 90m');
  expect(exported).not.toContain('state-dir');
  prepareChange(options(''), { replace: exported }).store();
  expect(readFileSync(settingsFile(), 'utf8').split('\n').slice(1).join('\n')).toBe(exported);
  const { configuration } = resolveConfiguration(options(''));
  expect(configuration).toMatchObject({
    'block-duration': 5400,
    protect: { networks: ['10.0.0.0/8'] },
    nfqueue: { queues: { first: 2, last: 3 } },
  });
});

test('every setting is shown with its value, where it came from, and whether it is locked', () => {
  const rows = settingRows(
    resolveConfiguration(options('mark: { mask: 255 }\n', 'locked: [scan]\nblock-duration: 2h\n')),
  );
  const row = (key: string) => rows.find((each) => each.key === key);
  expect(row('mark.mask')).toEqual({ key: 'mark.mask', value: 255, origin: 'file', locked: false });
  expect(row('block-duration')).toEqual({
    key: 'block-duration',
    value: 7200,
    origin: 'policy',
    locked: true,
  });
  expect(row('scan.ports')).toMatchObject({ origin: 'default', locked: true });
  expect(row('nfqueue.queues')?.value).toEqual({ first: 0, last: 1 });
});
