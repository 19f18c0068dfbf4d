import { parseRule, type Rule, RuleError, type RuleNotice, Variables } from './index';

const context = { variables: new Variables() };
const HEADER = 'alert tcp any any -> any any (';
const read = (options: string, notices?: RuleNotice[]): Rule =>
  parseRule(`${HEADER}${options})`, context, notices);
const failure = (options: string): RuleError => {
  try {
    read(options);
  } catch (error) {
    expect(error).toBeInstanceOf(RuleError);
    return error as RuleError;
  }
  throw new Error(`accepted: ${options}`);
};

describe('options', () => {
  test.each<[string, [string, string | null][]]>([
    [
      'noalert; content:"a"; nocase;',
      [
        ['noalert', null],
        ['content', '"a"'],
        ['nocase', null],
      ],
    ],
    ['content : "a" ;', [['content', '"a"']]],
    ['content:"a\\;b";', [['content', '"a\\;b"']]],
    [
      'content:"a;b"; nocase;',
      [
        ['content', '"a;b"'],
        ['nocase', null],
      ],
    ],
    ['content:"a\\"; b";', [['content', '"a\\"; b"']]],
    [
      'content:"a\\\\"; nocase;',
      [
        ['content', '"a\\\\"'],
        ['nocase', null],
      ],
    ],
    ['content:!"a;";', [['content', '!"a;"']]],
    ['content:! "a;";', [['content', '! "a;"']]],
    [
      'pcre:"/["\']x["\']/Ui"; nocase;',
      [
        ['pcre', '"/["\']x["\']/Ui"'],
        ['nocase', null],
      ],
    ],
    ['pcre:"/a\\;b/";', [['pcre', '"/a\\;b/"']]],
    [
      'reference:url,example.org/a"b; nocase;',
      [
        ['reference', 'url,example.org/a"b'],
        ['nocase', null],
      ],
    ],
    ['FLOW:established,to_server;', [['flow', 'established,to_server']]],
    ['depth:;', [['depth', '']]],
    ['content:"a(b)";', [['content', '"a(b)"']]],
    [
      'http.header.raw; ja3.hash; app-layer-event:x;',
      [
        ['http.header.raw', null],
        ['ja3.hash', null],
        ['app-layer-event', 'x'],
      ],
    ],
  ])('%s', (text, expected) => {
    const { options } = read(`${text} sid:5;`);
    expect(options.slice(0, -1).map(({ keyword, value }) => [keyword, value])).toEqual(expected);
  });

  test.each<[string, string, number]>([
    ['msg:"x"; sid:1', "'sid' is not ended by ';'", 14],
    ['nocase', "'nocase' is not ended by ';'", 7],
    ['content:"abc; sid:1;', "the value of 'content' lacks its closing quote or ';'", 9],
    ['content:"abc\\"; sid:1;', "the value of 'content' lacks its closing quote or ';'", 9],
    ['content "abc"; sid:1;', "expected ':' or ';' after 'content' but found '\"'", 9],
    ['"abc"; sid:1;', "expected a keyword but found '\"'", 1],
    ['sid:1;; rev:1;', "expected a keyword but found ';'", 7],
  ])('%s is refused', (text, message, column) => {
    const error = failure(text);
    expect(error.message).toBe(message);
    expect(error.place).toEqual({ line: 1, column: HEADER.length + column });
  });

  test('places point at the keyword and at the value', () => {
    const { options } = read(' content:  "a"; nocase; sid:1;');
    expect(options[0].place.column).toBe(HEADER.length + 2);
    expect(options[0].valuePlace.column).toBe(HEADER.length + 12);
    expect(options[1].place.column).toBe(HEADER.length + 17);
  });
});

describe('identity', () => {
  test('what a rule is called', () => {
    const rule = read(
      'msg:"a \\"b\\"\\; c\\: d"; content:"x"; reference:cve,2021-44228; reference:url,example.org/x; ' +
        'classtype:attempted-admin; sid:2000001; gid:3; rev:7; ' +
        'metadata:created_at 2021_12_10, attack_target Server, tag Exploit; metadata:tag Another Tag, bare;',
    );
    expect(rule).toMatchObject({
      msg: 'a "b"; c: d',
      sid: 2000001,
      gid: 3,
      rev: 7,
      priority: 1,
      file: '<text>',
    });
    expect(rule.classtype).toBe('attempted-admin');
    expect(rule.references).toEqual(['cve,2021-44228', 'url,example.org/x']);
    expect(Object.fromEntries(rule.metadata)).toEqual({
      created_at: ['2021_12_10'],
      attack_target: ['Server'],
      tag: ['Exploit', 'Another Tag'],
      bare: [],
    });
    expect(rule.place).toEqual({ line: 1, column: 1 });
    expect(rule.text.startsWith(HEADER)).toBe(true);
  });

  test('defaults', () => {
    expect(read('sid:1;')).toMatchObject({
      gid: 1,
      rev: 0,
      msg: '',
      classtype: null,
      priority: 3,
      references: [],
    });
  });

  test('priority comes from the option, else from the class, else it is 3', () => {
    expect(read('classtype:misc-attack; sid:1;').priority).toBe(2);
    expect(read('classtype:misc-attack; priority:5; sid:1;').priority).toBe(5);
    expect(read('priority:5; classtype:misc-attack; sid:1;').priority).toBe(5);
  });

  test('an unknown class is told and does no harm', () => {
    const notices: RuleNotice[] = [];
    const rule = read('classtype:no-such-class; sid:9;', notices);
    expect(rule).toMatchObject({ classtype: 'no-such-class', priority: 3 });
    expect(notices).toEqual([
      { file: '<text>', line: 1, sid: 9, reason: "unknown classtype 'no-such-class', priority 3 is used" },
    ]);
    const classes = new Map([['no-such-class', { description: 'now there is', priority: 1 }]]);
    const text = `${HEADER}classtype:no-such-class; sid:9;)`;
    expect(parseRule(text, { ...context, classes }, notices).priority).toBe(1);
    expect(notices).toHaveLength(1);
  });

  test('of two classes the more urgent one counts', () => {
    const notices: RuleNotice[] = [];
    const rule = read('classtype:misc-attack; classtype:attempted-admin; classtype:unknown; sid:9;', notices);
    expect(rule).toMatchObject({ classtype: 'attempted-admin', priority: 1 });
    expect(notices).toHaveLength(2);
  });

  test.each<[string, string]>([
    ['msg:"x";', "the rule has no 'sid'"],
    ['sid:0;', 'sid has to be from 1 to 4294967295, not 0'],
    ['sid:4294967296;', 'sid has to be from 1'],
    ['sid:x;', "sid has to be a whole number, not 'x'"],
    ['sid;', "'sid' needs a value"],
    ['sid:1; sid:2;', "'sid' is given twice"],
    ['sid:1; rev:1; rev:2;', "'rev' is given twice"],
    ['sid:1; gid:-1;', 'gid has to be from 0'],
    ['sid:1; priority:256;', 'priority has to be from 0 to 255, not 256'],
    ['sid:1; classtype:;', "'classtype' needs a value"],
  ])('%s is refused', (text, message) => {
    expect(failure(text).message).toContain(message);
  });

  test('errors that a value reader found carry the sid as well', () => {
    expect(failure('sid:12; rev:x;')).toMatchObject({ sid: 12, place: { column: HEADER.length + 13 } });
  });
});
