import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRuleFile, parseRules, parseRuleText, RuleFileError, RuleSet, Variables } from './index';

const context = { variables: new Variables({ addressGroups: { NET: '10.0.0.0/8' } }), file: 'test.rules' };
const rule = (sid: number, more = '') => `alert tcp any any -> any any (msg:"m"; ${more}sid:${sid};)`;

test('comments, disabled rules, blank lines and line ends', () => {
  const set = parseRuleText(
    `\ufeff# a comment (with brackets)\r\n${rule(1)}\r\n\n   \t\n  ${rule(2)}  \n#${rule(3)}\n # ${rule(4)}\n## ${rule(5)}\n; old comment\n#alert but no rule\n${rule(6)}`,
    context,
  );
  expect(set.rules.map((r) => [r.sid, r.place])).toEqual([
    [1, { line: 2, column: 1 }],
    [2, { line: 5, column: 3 }],
    [6, { line: 11, column: 1 }],
  ]);
  expect(set.disabled).toBe(3);
  expect(set.errors).toEqual([]);
});

describe('continued lines', () => {
  const text = [
    'alert tcp any any -> \\',
    '   any any (msg:"first"; \\ ',
    '\tcontent:"abc"; \\',
    '   depth:3; sid:1;)',
    rule(2),
  ].join('\n');

  test('are one rule, and places are those of the file', () => {
    const [first, second] = parseRuleText(text, context).rules;
    expect(first.text).toBe('alert tcp any any -> any any (msg:"first"; content:"abc"; depth:3; sid:1;)');
    expect(
      first.options.map(({ keyword, place, valuePlace }) => [
        keyword,
        place.line,
        place.column,
        valuePlace.column,
      ]),
    ).toEqual([
      ['msg', 2, 13, 17],
      ['content', 3, 2, 10],
      ['depth', 4, 4, 10],
      ['sid', 4, 13, 17],
    ]);
    expect(second.place).toEqual({ line: 5, column: 1 });
  });

  test('errors name the line they are on', () => {
    const set = parseRuleText(text.replace('depth:3;', 'depth 3;'), context);
    expect(set.errors.map((error) => error.message)).toEqual([
      "test.rules:4: sid 1: expected ':' or ';' after 'depth' but found '3' (column 10)",
    ]);
    expect(set.rules.map((r) => r.sid)).toEqual([2]);
  });

  test('a backslash at the end of a comment or of the file continues nothing', () => {
    const set = parseRuleText(`# comment \\\n${rule(1)}\nalert tcp any any \\`, context);
    expect(set.rules.map((r) => r.sid)).toEqual([1]);
    expect(set.errors).toHaveLength(1);
    expect(parseRuleText('\\', context).errors).toHaveLength(1);
    expect(parseRuleText('\\\n\\\n', context).errors).toHaveLength(1);
  });
});

test('a rule that cannot be read is named and the others go on', () => {
  const set = parseRuleText(
    `${rule(1)}\nalert tcp $NOWHERE any -> any any (sid:2;)\nrubbish\n${rule(3)}`,
    context,
  );
  expect(set.rules.map((r) => r.sid)).toEqual([1, 3]);
  expect(set.errors.map(({ file, place, sid, reason }) => [file, place.line, sid, reason])).toEqual([
    ['test.rules', 2, 2, 'unknown variable $NOWHERE'],
    ['test.rules', 3, 0, 'the rule header has no protocol'],
  ]);
  expect(set.errors[0]).toBeInstanceOf(RuleFileError);
  expect(set.errors[0].message).toBe('test.rules:2: sid 2: unknown variable $NOWHERE (column 11)');
});

describe('the same sid twice', () => {
  test('the higher revision counts, wherever it stands', () => {
    const set = parseRuleText(
      `${rule(1, 'rev:1;')}\n${rule(2)}\n${rule(1, 'rev:2;')}\n${rule(1, 'rev:2;')}`,
      context,
    );
    expect(set.rules.map((r) => [r.sid, r.rev])).toEqual([
      [1, 2],
      [2, 0],
    ]);
    expect(set.notices).toEqual([
      { file: 'test.rules', line: 3, sid: 1, reason: 'rev 2 replaces rev 1 (test.rules:1)' },
    ]);
    expect(set.errors.map((error) => error.message)).toEqual([
      'test.rules:4: sid 1: duplicate signature: sid 1 rev 2 is already there (test.rules:3) (column 1)',
    ]);
  });

  test('other generators have sids of their own', () => {
    const set = parseRuleText(`${rule(1)}\n${rule(1, 'gid:2;')}\n${rule(1, 'gid:3;')}`, context);
    expect(set.size).toBe(3);
    expect(set.get(1)?.gid).toBe(1);
    expect(set.get(1, 3)?.gid).toBe(3);
    expect(set.get(1, 4)).toBeUndefined();
  });

  test('also across files', () => {
    const set = parseRuleText(rule(1), context);
    parseRuleText(rule(1), { ...context, file: 'second.rules' }, set);
    expect(set.size).toBe(1);
    expect(set.errors[0].message).toContain('second.rules:1: sid 1: duplicate signature');
  });
});

test('the generator gives control back and loses nothing', () => {
  const text = Array.from({ length: 1000 }, (_, index) => rule(index + 1)).join('\n');
  const set = new RuleSet();
  const steps = parseRules(text, context, set, { linesPerStep: 100 });
  const pauses: number[] = [];
  for (let step = steps.next(); !step.done; step = steps.next()) {
    pauses.push(step.value);
    expect(set.size).toBe(step.value);
  }
  expect(pauses).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900]);
  expect(set.size).toBe(1000);
});

test('a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-rules-'));
  try {
    const path = join(folder, 'a.rules');
    writeFileSync(
      path,
      Buffer.concat([Buffer.from(`${rule(1)}\nrubbish\n`), Buffer.from([0xff, 0x0a]), Buffer.from(rule(2))]),
    );
    const set = loadRuleFile(path, context);
    expect(set.rules.map((r) => [r.sid, r.file])).toEqual([
      [1, path],
      [2, path],
    ]);
    expect(set.errors.map((error) => error.file)).toEqual([path, path]);
    expect(() => loadRuleFile(join(folder, 'none.rules'), context)).toThrow(/ENOENT/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
