import type { Finding } from '@portcullis/daemon';
import { Exit } from '../exit';
import { doctorExit, findingLines, summaryLine } from './doctor';

const finding = (name: string, state: Finding['state'], mend: string | null = null): Finding => ({
  name,
  state,
  seen: `seen ${name}`,
  mend,
});

test('a line for each check, what is to be done below it, and nothing a terminal would act on', () => {
  const findings = [
    finding('engine', 'ok'),
    { ...finding('queue 0', 'failed', 'restart'), seen: "rule '\u001b[2J'" },
  ];
  expect(findingLines(findings)).toEqual([
    'ok       engine   seen engine',
    "failed   queue 0  rule '\\u001b[2J'",
    '                  fix: restart',
  ]);
});

test('sums up', () => {
  const findings = [finding('a', 'ok'), finding('b', 'warning', 'x'), finding('c', 'unknown')];
  expect(summaryLine(findings)).toBe('0 failed, 1 warning, 1 ok, 1 could not be checked');
});

test.each([
  [[finding('a', 'ok'), finding('b', 'warning', 'x'), finding('c', 'unknown')], Exit.DONE],
  [[finding('a', 'ok'), finding('b', 'failed', 'x')], Exit.NOT_SO],
  [[finding('permission', 'failed', 'sudo'), finding('b', 'failed', 'x')], Exit.PERMISSION],
  [[finding('permission', 'ok'), finding('b', 'failed', 'x')], Exit.NOT_SO],
])('%j ends with %d', (findings, code) => expect(doctorExit(findings)).toBe(code));
