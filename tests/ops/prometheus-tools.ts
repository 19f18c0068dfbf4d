/** Prometheus and promtool, where the Debian package `prometheus` is installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Lab, type LabProcess, waitUntil } from '@portcullis/testkit';
import { parse } from 'yaml';

export const repository = resolve(__dirname, '..', '..');
export const prometheusDirectory = join(repository, 'docker', 'prometheus');
export const alertsFile = join(prometheusDirectory, 'alerts.yaml');

export interface AlertRule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export function alertRules(): AlertRule[] {
  const { groups } = parse(readFileSync(alertsFile, 'utf8')) as { groups: { rules: AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Why there is no such program here, or null. */
export function programMissing(program: 'promtool' | 'prometheus'): string | null {
  return spawnSync(program, ['--version']).status === 0
    ? null
    : `${program} is not installed (apt-get install prometheus)`;
}

/** Names of our metrics that an expression reads. */
export function metricNames(expression: string): string[] {
  return [...new Set(expression.match(/\bportcullis_[a-z0-9_]+/g) ?? [])];
}

/** Names a page of metrics offers, those of histograms with their parts. */
export function offeredNames(page: string): Set<string> {
  const names = new Set<string>();
  for (const [, name, type] of page.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (type === 'histogram' || type === 'summary')
      for (const part of ['_bucket', '_sum', '_count']) names.add(`${name}${part}`);
    if (type !== 'histogram') names.add(name as string);
  }
  return names;
}

/** What Prometheus answers for one series (its HTTP API: instant vectors). */
interface Sample {
  metric: Record<string, string>;
  value: [time: number, text: string];
}

/** A Prometheus on the gateway of a lab, with the configuration that is shipped, scraping every second. */
export class LabPrometheus {
  private readonly directory = mkdtempSync(join(tmpdir(), 'portcullis-prometheus-'));
  private readonly process: LabProcess;

  constructor(
    private readonly lab: Lab,
    private readonly port = 9090,
  ) {
    const shipped = parse(readFileSync(join(prometheusDirectory, 'prometheus.yaml'), 'utf8')) as {
      rule_files: string[];
    };
    const configuration = join(this.directory, 'prometheus.yaml');
    const rules = shipped.rule_files.map((file) => join(prometheusDirectory, file));
    // JSON is YAML too.
    writeFileSync(
      configuration,
      JSON.stringify({
        ...shipped,
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: rules,
      }),
    );
    this.process = lab.spawn('gateway', [
      'prometheus',
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(this.directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
  }

  /** Waits until the engine is scraped. */
  async ready(): Promise<this> {
    await waitUntil(async () => hasNumber((await this.query('up{job="portcullis"} == 1')) ?? []), {
      timeout: 20_000,
      what: 'Prometheus that scrapes the engine',
    });
    return this;
  }

  /**
   * @returns values of the samples; null while Prometheus does not answer
   * @throws what Prometheus says against the query
   */
  async query(expression: string): Promise<number[] | null> {
    const samples = await this.samples(expression);
    return samples?.map(({ value }) => Number(value[1])) ?? null;
  }

  /** @returns names of the alerts that fire; null while Prometheus does not answer */
  async firing(): Promise<string[] | null> {
    const samples = await this.samples('ALERTS{alertstate="firing"}');
    return samples?.map(({ metric }) => metric.alertname ?? '') ?? null;
  }

  private async samples(expression: string): Promise<Sample[] | null> {
    const text = await this.get(`/api/v1/query?query=${encodeURIComponent(expression)}`);
    if (text === null) return null;
    const answer = JSON.parse(text) as { status: string; error?: string; data: { result: Sample[] } };
    if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`);
    return answer.data.result;
  }

  private async get(path: string): Promise<string | null> {
    return getLocally(this.lab, this.port, path);
  }

  async stop(): Promise<void> {
    if (this.process.running) this.process.kill('SIGTERM');
    await this.process.exited;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** At least one number that is one: a quantile of nothing is NaN. */
export function hasNumber(values: readonly number[]): boolean {
  return values.some((value) => !Number.isNaN(value));
}

/** How long (ms) a server on the machine may take to answer: that of an engine answers between two batches. */
const LOCAL_TIMEOUT = 10_000;

/**
 * Asks a server on the gateway's own loopback. HTTP/1.0: answers come in one piece and end with the connection.
 * @returns the body; null when nobody answered in time
 */
export async function getLocally(lab: Lab, port: number, path: string): Promise<string | null> {
  const { response, complete, state } = await lab.request('gateway', {
    host: '127.0.0.1',
    port,
    bytes: `GET ${path} HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
    timeout: LOCAL_TIMEOUT,
  });
  const text = response.toString('utf8');
  const end = text.indexOf('\r\n\r\n');
  return end < 0 || !(complete || state === 'end') ? null : text.slice(end + 4);
}
