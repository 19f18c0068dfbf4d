/**
 * A real Prometheus scrapes a running engine during an attack: whatever the alerting rules name must be there, and
 * every panel of the dashboards must have something to show.
 */
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Lab, type LabServer, waitUntil } from '@portcullis/testkit';
import { ATTACK_PATH, describeLab, LabEngine } from '../lab/engine';
import { eventFields, filledIn, flattened, panelQueries } from './dashboards';
import {
  alertRules,
  getLocally,
  hasNumber,
  LabPrometheus,
  metricNames,
  offeredNames,
  programMissing,
  repository,
} from './prometheus-tools';

const PORT = 80;
const METRICS_PORT = 9477;
const RANGE = '20s';
const missing = programMissing('prometheus');

describeLab('an engine under attack, observed', () => {
  let lab: Lab;
  let engine: LabEngine;
  let server: LabServer;
  let prometheus: LabPrometheus | null = null;

  const get = (role: 'attacker' | 'bystander', path: string, timeout?: number) =>
    lab.httpGet(role, path, { host: lab.target(4, role), port: PORT, ...engine.patience(timeout) });
  const metricsPage = async () => {
    const page = await getLocally(lab, METRICS_PORT, '/metrics');
    if (page === null) throw new Error('the engine does not give its metrics');
    return page;
  };
  const bystanderGets = (path: string) => get('bystander', path);

  beforeAll(async () => {
    lab = new Lab('pcops', { bystander: true });
    server = await lab.httpServer('server', PORT);
    engine = await new LabEngine(lab, {
      queues: '0-1',
      settings: { 'metrics.listen': `127.0.0.1:${METRICS_PORT}` },
    }).start();
    if (missing === null) prometheus = await new LabPrometheus(lab).ready();
    expect(await bystanderGets('/before')).toMatchObject({ complete: true });
    expect(await get('attacker', ATTACK_PATH)).toMatchObject({ complete: false });
    await waitUntil(async () => (await engine.bans()).length > 0, { what: 'the ban' });
    expect(await get('attacker', '/banned', 600)).toMatchObject({ connected: false });
    expect(await bystanderGets('/after')).toMatchObject({ complete: true });
    expect((await server.received()).toString()).toContain('/after');
  }, 90_000);

  afterAll(async () => {
    await prometheus?.stop();
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  }, 30_000);

  test('every metric of an alerting rule is exposed', async () => {
    const offered = offeredNames(await metricsPage());
    const rules = alertRules();
    expect(rules.length).toBeGreaterThan(10);
    const unknown = rules.flatMap(({ alert, expr }) =>
      metricNames(expr)
        .filter((name) => !offered.has(name))
        .map((name) => `${alert}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  test('the operations page explains every metric, and none that is not there', async () => {
    const page = await metricsPage();
    const exposed = [...page.matchAll(/^# TYPE portcullis_(\S+) /gm)].map(([, name]) => name as string);
    const table = readFileSync(join(repository, 'docs', 'operations.md'), 'utf8')
      .split('\n## Metrics\n')[1]
      ?.split('\n## ')[0];
    const explained = [...(table ?? '').matchAll(/^\| (`.+?) *\|/gm)]
      .flatMap(([, cell]) => (cell as string).split(', '))
      .map((name) => name.replace(/^`|\{.*|`$/g, ''))
      .filter((name) => !name.endsWith('…'));
    const own = exposed.filter((name) => !/^(process|nodejs)_/.test(name));
    expect(explained.sort()).toEqual(own.sort());
  });

  test('what the page tells is what happened', async () => {
    const page = await metricsPage();
    const value = (series: string) => Number(page.split(`\nportcullis_${series} `)[1]?.split('\n')[0]);
    expect(value('protecting')).toBe(1);
    expect(value('queues_attended')).toBe(2);
    expect(value('queues_configured')).toBe(2);
    expect(value('bans_active{origin="attack",family="ipv4"}')).toBe(1);
    expect(value('bans_total{event="added",origin="attack",family="ipv4"}')).toBe(1);
    for (const thread of ['main', 'queue-0', 'queue-1'])
      expect(value(`thread_cpu_seconds_total{thread="${thread}"}`)).toBeGreaterThan(0);
    expect(value('alerts_total{class="web-application-attack",severity="1",action="blocked"}')).toBe(1);
    expect(value('ban_dropped_packets_total')).toBeGreaterThan(0);
    const received = value('packets_received_total{queue="0"}') + value('packets_received_total{queue="1"}');
    expect(received).toBeGreaterThan(0);
    expect(value('packets_queued_total')).toBeGreaterThanOrEqual(received);
    expect(value('incidents_total{kind="worker-lost"}')).toBe(0);
  });

  if (missing === null) {
    test('every Prometheus query of the dashboards returns data', async () => {
      const queries = panelQueries('prometheus');
      expect(queries.length).toBeGreaterThan(25);
      const ask = prometheus as LabPrometheus;
      let empty = queries;
      await waitUntil(
        async () => {
          // Quantiles of the last seconds need packets in them, however long all before has taken.
          expect(await bystanderGets('/watched')).toMatchObject({ complete: true });
          const still = [];
          for (const query of empty) {
            const values = await ask.query(filledIn(query.expr, RANGE));
            if (values === null || !hasNumber(values)) still.push(query);
          }
          empty = still;
          return empty.length === 0;
        },
        { timeout: 30_000, what: 'data in every panel' },
      ).catch((error: Error) => {
        throw new Error(`${error.message}; empty: ${empty.map(({ name }) => name).join(', ')}`);
      });
    });

    test('no alert fires at an engine that does its work', async () => {
      expect(await (prometheus as LabPrometheus).firing()).toEqual([]);
    });
  } else {
    test.skip(`panels with a real Prometheus: ${missing}`, () => {});
  }

  test('the live view shows the ban and what led to it', async () => {
    const { stdout, code } = await engine.ask('top', '--count', '2', '--interval', '0.2');
    expect(code).toBe(0);
    expect(stdout).toMatch(/protecting, standard mode/);
    expect(stdout).toMatch(/\/s packets, .*bit\/s/);
    expect(stdout).toContain(`BLOCKED\n${lab.address('attacker', 4)} `);
    expect(stdout).toMatch(/EVENTS\n(.*\n)*.*attack: test attack/);
  });

  test('a reload that failed leaves the old rules in force and is counted', async () => {
    const rules = join(engine.directory, 'test.rules');
    renameSync(rules, `${rules}.away`);
    expect((await engine.ask('reload')).code).not.toBe(0);
    renameSync(`${rules}.away`, rules);
    expect((await engine.status()).rules.loaded).toBe(1);
    expect(await metricsPage()).toContain('portcullis_incidents_total{kind="reload-failed"} 1\n');
    expect((await engine.ask('reload')).code).toBe(0);
  });

  const logql = panelQueries('loki');
  test('the fields that Loki queries read are in the events', async () => {
    await waitUntil(() => engine.events('ban').length > 0, { what: 'the ban in eve.json' });
    const fields = new Set(
      [...engine.events('alert'), ...engine.events('ban')].flatMap((record) => [...flattened(record).keys()]),
    );
    expect(logql.length).toBeGreaterThan(5);
    for (const { name, expr } of logql) {
      const read = eventFields(expr);
      expect({ name, read: read.length > 0 }).toEqual({ name, read: true });
      expect({ name, unknown: read.filter((field) => !fields.has(field)) }).toEqual({ name, unknown: [] });
    }
  });

  for (const { name } of logql) test.skip(`not run, there is no Loki here: ${name}`, () => {});
});
