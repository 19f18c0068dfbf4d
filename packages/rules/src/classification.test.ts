import { parseClassification, STANDARD_CLASSIFICATION } from './index';

test('a classification.config', () => {
  const { classes, problems } = parseClassification(
    [
      '# comment',
      '',
      'config classification: not-suspicious,Not Suspicious Traffic,3',
      'config classification:Trojan-Activity , A Network Trojan was detected, 1\r',
      'config classification: broken,no priority',
      'config classification: trojan-activity,Again,2',
      'nonsense',
    ].join('\n'),
  );
  expect(Object.fromEntries(classes)).toEqual({
    'not-suspicious': { description: 'Not Suspicious Traffic', priority: 3 },
    'trojan-activity': { description: 'A Network Trojan was detected', priority: 1 },
  });
  expect(problems).toEqual([
    { line: 5, reason: "expected 'config classification: name,description,priority'" },
    { line: 6, reason: "class 'trojan-activity' was defined before, this one is not used" },
    { line: 7, reason: "expected 'config classification: name,description,priority'" },
  ]);
});

test('the standard classes', () => {
  expect(STANDARD_CLASSIFICATION.size).toBeGreaterThanOrEqual(43);
  for (const [name, { description, priority }] of STANDARD_CLASSIFICATION) {
    expect(name).toMatch(/^[a-z-]+[0-9a-z]$/);
    expect(description).not.toBe('');
    expect([1, 2, 3, 4]).toContain(priority);
  }
});
