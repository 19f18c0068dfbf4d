/** The examples for shipping events: run where their program is there, else held against the events themselves. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '@portcullis/configuration';
import { alertRecord, Replay, ruleClasses } from '@portcullis/engine';
import type { EveRecord } from '@portcullis/events';
import { PcapWriter, waitUntil } from '@portcullis/testkit';
import { parse } from 'yaml';
import { capture } from '../builtin/capture';
import { get } from '../builtin/http';
import { ATTACK_PATH, attackRules } from '../lab/engine';
import { repository } from './prometheus-tools';

const example = (name: string) => readFileSync(join(repository, 'packaging', 'log-shipping', name), 'utf8');
const EVE = (() => {
  const { 'log-dir': folder, outputs } = loadConfiguration({ file: null });
  return join(folder, outputs.eve);
})();
const RSYSLOGD = '/usr/sbin/rsyslogd';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shipping-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** An alert as the engine writes it. */
async function alert(): Promise<EveRecord> {
  const rules = {
    files: [
      {
        path: 'test.rules',
        text: attackRules.replace('rev:1;', 'rev:1; reference:url,example.org; metadata:tag Test;'),
      },
    ],
    classification: null,
    addressGroups: {},
    portGroups: {},
    cacheDirectory: null,
  };
  const engine = await Replay.load({ rules, stream: {}, inline: true, decodePolicy: 'open' });
  const file = join(directory, 'attack.pcap');
  new PcapWriter().addAll(capture(get(ATTACK_PATH))).writeFile(file);
  const records: EveRecord[] = [];
  engine.file(file, (detection) => {
    records.push(
      alertRecord(detection, {
        classes: ruleClasses(rules),
        mode: 'standard',
        captureFile: file,
        interfaceName: 'eth0',
      }),
    );
  });
  expect(records).toHaveLength(1);
  return records[0] as EveRecord;
}

(existsSync(RSYSLOGD) ? describe : describe.skip)('rsyslog', () => {
  const running: ChildProcess[] = [];
  afterEach(async () => {
    const ended = running.splice(0).map((child) => {
      const exit = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      return exit;
    });
    await Promise.all(ended);
  });

  async function start(name: string, changes: readonly (readonly [string, string])[]): Promise<void> {
    let text = `global(workDirectory="${directory}")\n${example(name)}`;
    for (const [from, to] of changes) {
      expect(text).toContain(from);
      text = text.replaceAll(from, to);
    }
    const file = join(directory, name);
    writeFileSync(file, text);
    const checked = spawnSync(RSYSLOGD, ['-N1', '-f', file], { encoding: 'utf8' });
    expect(checked.stderr).not.toMatch(/error|warning/i);
    const pid = `${file}.pid`;
    running.push(spawn(RSYSLOGD, ['-n', '-f', file, '-i', pid], { stdio: 'ignore' }));
    await waitUntil(() => existsSync(pid), { what: 'rsyslog' });
  }

  test('follows the file and sends each event, as the collector takes it', async () => {
    const eve = join(directory, 'eve.json');
    writeFileSync(eve, '');
    const stored = join(directory, 'events.json');
    const collector = await freePort();
    await start('rsyslog-receive.conf', [
      ['port="6514"', `port="${collector}" address="127.0.0.1"`],
      ['/var/log/portcullis-events.json', stored],
    ]);
    await start('rsyslog-forward.conf', [
      [EVE, eve],
      ['target="collector.example" port="6514"', `target="127.0.0.1" port="${collector}"`],
    ]);
    const record = await alert();
    appendFileSync(eve, `${JSON.stringify(record)}\n`);
    await waitUntil(() => existsSync(stored) && readFileSync(stored, 'utf8').includes('\n'), {
      what: 'the event at the collector',
      timeout: 20_000,
    });
    expect(JSON.parse(readFileSync(stored, 'utf8'))).toEqual(record);
  }, 60_000);
});

test('Filebeat: the module reads the place where events are, and finds what its pipeline needs', async () => {
  const { 'filebeat.modules': modules } = parse(example('filebeat.yml'));
  expect(modules).toEqual([{ module: 'suricata', eve: { enabled: true, 'var.paths': [`${EVE}*`] } }]);
  const record = await alert();
  for (const field of [
    'timestamp',
    'event_type',
    'src_ip',
    'src_port',
    'dest_ip',
    'dest_port',
    'proto',
    'flow_id',
    'community_id',
  ])
    expect(record).toHaveProperty(field);
  for (const field of ['signature', 'signature_id', 'category', 'severity', 'action', 'rev', 'gid'])
    expect(record.alert).toHaveProperty(field);
});

test('Promtail: the path, the label of the dashboards, and the form of the time', async () => {
  const { scrape_configs: configurations } = parse(example('promtail.yaml'));
  const [
    {
      static_configs: [{ labels }],
      pipeline_stages: stages,
    },
  ] = configurations;
  expect(labels).toEqual({ job: 'portcullis', __path__: EVE });
  // Go's reference time; each digit stands for one.
  const format: string = stages[1].timestamp.format;
  const form = new RegExp(
    `^${format.replace('-0700', '').replace(/\d/g, '\\d').replaceAll('.', '\\.')}[+-]\\d{4}$`,
  );
  expect((await alert()).timestamp).toMatch(form);
});

test('every field of an alert stands in the comparison with EVE', async () => {
  const page = readFileSync(join(repository, 'docs', 'logs.md'), 'utf8');
  const record = await alert();
  const missing = (names: readonly string[]) => names.filter((name) => !page.includes(`\`${name}\``));
  const { alert: facts, portcullis } = record;
  expect(
    missing(
      Object.keys(record).filter(
        (key) => key !== 'alert' && key !== 'portcullis' && key !== 'verdict' && key !== 'drop',
      ),
    ),
  ).toEqual([]);
  const below = (parent: string, names: readonly string[]) =>
    names.filter((name) => !page.includes(`\`${parent}.${name}\``) && !page.includes(`\`.${name}\``));
  expect(below('alert', Object.keys(facts ?? {}))).toEqual([]);
  expect(below('portcullis', Object.keys(portcullis ?? {}))).toEqual([]);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
