/** The dashboards that are shipped, and the queries in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './prometheus-tools';

const directory = join(repository, 'docker', 'grafana', 'dashboards');

interface Target {
  refId: string;
  expr: string;
  datasource: { type: string; uid: string };
}

interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets: Target[];
}

export interface Dashboard {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; datasource: { uid: string } }[] };
}

export function dashboards(): Dashboard[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as Dashboard);
}

export interface PanelQuery {
  /** Dashboard, panel and query, for people. */
  name: string;
  expr: string;
}

/** Queries for one kind of data source (`prometheus`, `loki`). */
export function panelQueries(source: string): PanelQuery[] {
  return dashboards().flatMap(({ title, panels }) =>
    panels.flatMap((panel) =>
      panel.targets
        .filter(({ datasource }) => datasource.type === source)
        .map(({ refId, expr }) => ({ name: `${title} › ${panel.title} › ${refId}`, expr })),
    ),
  );
}

/** What Grafana would send, with every gateway chosen. */
export function filledIn(expr: string, range: string): string {
  return expr
    .replaceAll('$instance', '.*')
    .replaceAll('$__rate_interval', range)
    .replaceAll('$__range', range)
    .replaceAll('$__interval', range);
}

/** Fields of events that a LogQL query reads after `| json`, which joins nested names with an underscore. */
export function eventFields(logql: string): string[] {
  const fields = new Set<string>();
  for (const [, names] of logql.matchAll(/\bby \(([^)]*)\)/g))
    for (const name of (names as string).split(',')) fields.add(name.trim());
  for (const [, name] of logql.matchAll(/\| (\w+)\s*=~?\s*"/g)) fields.add(name as string);
  for (const [, name] of logql.matchAll(/\{\{\.(\w+)\}\}/g)) fields.add(name as string);
  return [...fields];
}

/** A record as Loki's `json` stage has it. */
export function flattened(record: object, prefix = ''): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  for (const [key, value] of Object.entries(record)) {
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      for (const [name, inner] of flattened(value, `${prefix}${key}_`)) fields.set(name, inner);
    else fields.set(`${prefix}${key}`, value);
  }
  return fields;
}
