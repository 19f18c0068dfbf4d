import { percent, textTable } from '../text-table';
import type { JudgeTest } from './judge-test';
import type { Outcome } from './run-test';

/** Numbers of one row. */
interface Tally {
  passed: number;
  failed: number;
  /** Of the failed, those of which a rule was refused. */
  refused: number;
  notApplicable: number;
}

export interface Examined {
  readonly test: JudgeTest;
  readonly outcome: Outcome;
}

function tally(examined: readonly Examined[]): Tally {
  const count = (wanted: (outcome: Outcome) => boolean) =>
    examined.filter(({ outcome }) => wanted(outcome)).length;
  return {
    passed: count(({ status }) => status === 'passed'),
    failed: count(({ status }) => status === 'failed'),
    refused: count(({ status, refused }) => status === 'failed' && refused),
    notApplicable: count(({ status }) => status === 'not applicable'),
  };
}

function row(name: string, examined: readonly Examined[]): (string | number)[] {
  const { passed, failed, refused, notApplicable } = tally(examined);
  return [name, passed, failed, refused, percent(passed, passed + failed), notApplicable];
}

const HEADER = ['', 'passed', 'failed', 'rule refused', 'of those run', 'not applicable'];

function rowsBy(
  examined: readonly Examined[],
  names: (test: JudgeTest) => readonly string[],
): (string | number)[][] {
  const groups = new Map<string, Examined[]>();
  for (const one of examined) {
    for (const name of new Set(names(one.test))) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [one]);
      else group.push(one);
    }
  }
  return [...groups]
    .sort(([nameA, a], [nameB, b]) => b.length - a.length || (nameA < nameB ? -1 : 1))
    .map(([name, group]) => row(name, group));
}

/** The command that runs one test again. */
export function commandFor(test: string): string {
  return `npm run conformance -- --test ${test}`;
}

const CLASSES = ['A1', 'A2', 'B1', 'B2', 'C1', 'C2'] as const;

/** Tables by class, by protocol and by keyword, and each test that did not pass. */
export function verifyReport(title: string, examined: readonly Examined[], withTables: boolean): string {
  const parts = [`── ${title}: ${examined.length} tests`];
  const isA = ({ test }: Examined) => test.cls.startsWith('A');
  const classes = CLASSES.map((cls) => ({ cls, group: examined.filter(({ test }) => test.cls === cls) }))
    .filter(({ group }) => group.length > 0)
    .map(({ cls, group }) => row(cls, group));
  parts.push(textTable(HEADER, [row('class A', examined.filter(isA)), ...classes]));
  if (withTables) {
    parts.push(
      `By protocol\n${textTable(
        HEADER,
        rowsBy(examined, (test) => [test.proto]),
      )}`,
    );
    parts.push(
      `By keyword\n${textTable(
        HEADER,
        rowsBy(examined, (test) => test.keywords),
      )}`,
    );
  }
  const unjudged = examined.reduce((sum, { outcome }) => sum + outcome.unjudged, 0);
  if (unjudged > 0)
    parts.push(
      `${unjudged} expectations name fields that our alert records do not have; they are not judged.`,
    );
  const failed = examined.filter(({ outcome }) => outcome.status === 'failed');
  if (failed.length > 0)
    parts.push(
      `Failed\n${failed
        .map(
          ({ test, outcome }) =>
            `${test.cls} ${test.test}: ${outcome.reasons.join(' | ').slice(0, 400)}\n   ${commandFor(test.test)}`,
        )
        .join('\n')}`,
    );
  const notApplicable = examined.filter(({ outcome }) => outcome.status === 'not applicable');
  if (notApplicable.length > 0)
    parts.push(
      `Not applicable\n${notApplicable
        .map(({ test, outcome }) => `${test.cls} ${test.test}: ${outcome.reasons.join(' | ')}`)
        .join('\n')}`,
    );
  return parts.join('\n\n');
}

/** The line with the figure. */
export function verifyFigure(title: string, examined: readonly Examined[]): string {
  const { passed, failed, notApplicable } = tally(examined);
  return `${title}: ${passed} of ${passed + failed} passed (${percent(passed, passed + failed)}), ${notApplicable} not applicable (${percent(passed, passed + failed + notApplicable)} of all)`;
}
