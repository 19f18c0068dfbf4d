/** The alerting rules, with promtool where it is installed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { alertRules, alertsFile, programMissing, prometheusDirectory, repository } from './prometheus-tools';

const testFiles = ['alerts.test.yaml', 'alerts.age.test.yaml'].map((name) => join(prometheusDirectory, name));
const missing = programMissing('promtool');

test.each(alertRules().map((rule) => [rule.alert, rule] as const))(
  '%s says how bad it is, of whom, and what to do',
  (_, { labels, annotations }) => {
    expect(['critical', 'warning']).toContain(labels.severity);
    expect(annotations.summary).toContain('$labels.instance');
    expect(annotations.description?.length).toBeGreaterThan(20);
  },
);

test('every alert has a test in which it fires', () => {
  const tests = testFiles.flatMap(
    (file) =>
      (
        parse(readFileSync(file, 'utf8')) as {
          tests: { promql_expr_test: { exp_samples: { labels: string }[] }[] }[];
        }
      ).tests,
  );
  const fired = tests.flatMap(({ promql_expr_test }) =>
    promql_expr_test.flatMap(({ exp_samples }) =>
      exp_samples.map(({ labels }) => /alertname="(\w+)"/.exec(labels)?.[1]),
    ),
  );
  expect([...new Set(fired)].sort()).toEqual(
    alertRules()
      .map(({ alert }) => alert)
      .sort(),
  );
});

test('the operations page names every alert', () => {
  const page = readFileSync(join(repository, 'docs', 'operations.md'), 'utf8');
  const named = new Set(page.match(/`Portcullis\w+`/g)?.map((name) => name.slice(1, -1)));
  expect([...named].sort()).toEqual(
    alertRules()
      .map(({ alert }) => alert)
      .sort(),
  );
});

if (missing === null) {
  test.each([
    ['check', 'rules', alertsFile],
    ['check', 'config', join(prometheusDirectory, 'prometheus.yaml')],
    ['test', 'rules', ...testFiles],
  ])('promtool %s %s %s', (...argv) => {
    const { status, stdout, stderr } = spawnSync('promtool', argv, { encoding: 'utf8' });
    expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
  });
} else {
  test.skip(`promtool: ${missing}`, () => {});
}
