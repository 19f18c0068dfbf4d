import { Harness, TestTransaction } from '../testing/harness';
import type { MatcherLimits } from './matcher-limits';
import { RuleCosts } from './rule-profile';

/** Rule options over the payload of a stream window, and whether they match. */
type PayloadCase = readonly [options: string, payload: string, want: boolean];

const PAYLOAD_CASES: Record<string, readonly PayloadCase[]> = {
  content: [
    ['content:"abc";', 'xxabcxx', true],
    ['content:"abc";', 'xxABCxx', false],
    ['content:"abc"; nocase;', 'xxABCxx', true],
    ['content:"a|62 63|d";', 'abcd', true],
    ['content:"a\\;b";', 'xa;b', true],
    ['content:"abc"; content:!"def";', 'abc', true],
    ['content:"abc"; content:!"def";', 'abcdef', false],
    ['content:"abc"; content:"abc";', 'abc', true],
    ['content:"def"; content:"abc";', 'abcdef', true],
    ['content:"abc"; rawbytes;', 'abc', true],
  ],
  'depth and offset': [
    ['content:"abc"; depth:3;', 'abc', true],
    ['content:"abc"; depth:3;', 'xabc', false],
    ['content:"abc"; offset:1; depth:3;', 'xabc', true],
    ['content:"abc"; depth:3; offset:1;', 'xabc', true],
    ['content:"abc"; offset:1; depth:3;', 'xxabc', false],
    ['content:"abc"; offset:2;', 'xabc', false],
    ['content:"abc"; offset:2;', 'xabcabc', true],
    ['content:"x"; content:!"abc"; depth:4;', 'xabc', false],
    ['content:"x"; content:!"abc"; depth:3;', 'xabc', true],
    ['content:"abc"; startswith;', 'abcx', true],
    ['content:"abc"; startswith;', 'xabc', false],
    ['content:"abc"; endswith;', 'xxabc', true],
    ['content:"abc"; endswith;', 'abcabcx', false],
    ['content:"abc"; endswith;', 'abcabc', true],
    ['content:"x"; content:!"abc"; endswith;', 'xabc', false],
    ['content:"x"; content:!"abc"; endswith;', 'abcx', true],
  ],
  'distance and within': [
    ['content:"abc"; content:"def"; distance:0;', 'abcdef', true],
    ['content:"abc"; content:"def"; distance:0;', 'defabc', false],
    ['content:"abc"; content:"def"; distance:2;', 'abcxdef', false],
    ['content:"abc"; content:"def"; distance:2;', 'abcxxdef', true],
    ['content:"abc"; content:"def"; distance:-3;', 'abcdef', true],
    ['content:"abc"; content:"bcd"; distance:-2;', 'abcd', true],
    ['content:"abc"; content:"def"; within:3;', 'abcdef', true],
    ['content:"abc"; content:"def"; within:3;', 'abcxdef', false],
    ['content:"abc"; content:"def"; distance:1; within:3;', 'abcxdef', true],
    ['content:"abc"; content:"def"; distance:1; within:3;', 'abcxxdef', false],
    // A later occurrence of the first content does better.
    ['content:"abc"; content:"def"; within:3;', 'abcxabcdef', true],
    ['content:"a"; content:"b"; within:1; content:"c"; within:1;', 'aababc', true],
    ['content:"a"; content:"b"; within:2; content:"c"; within:2;', 'a.b...axbxc', true],
    ['content:"abc"; content:!"def"; within:3;', 'abcdef', false],
    ['content:"abc"; content:!"def"; within:3;', 'abcxdef', true],
    ['content:"abc"; content:!"def"; within:3;', 'abcdefabcx', true],
    ['content:"abc"; content:!"def"; distance:0;', 'abcdefabcx', true],
  ],
  isdataat: [
    ['content:"abc"; isdataat:2,relative;', 'abcxx', true],
    ['content:"abc"; isdataat:3,relative;', 'abcxx', false],
    ['content:"abc"; isdataat:!1,relative;', 'abc', true],
    ['content:"abc"; isdataat:!1,relative;', 'abcx', false],
    ['content:"abc"; isdataat:!1,relative;', 'abcxabc', true],
    ['content:"abc"; isdataat:4;', 'abcxx', true],
    ['content:"abc"; isdataat:5;', 'abcxx', false],
    ['content:"abc"; isdataat:!5;', 'abcxx', true],
    ['content:"abc"; isdataat:!4;', 'abcxx', false],
  ],
  byte_test: [
    ['content:"L"; byte_test:2,>,255,0,relative;', 'L\x01\x00', true],
    ['content:"L"; byte_test:2,>,256,0,relative;', 'L\x01\x00', false],
    ['content:"L"; byte_test:2,=,1,0,relative,little;', 'L\x01\x00', true],
    ['content:"L"; byte_test:1,&,0x80,0,relative;', 'L\x81', true],
    ['content:"L"; byte_test:1,!&,0x80,0,relative;', 'L\x81', false],
    ['content:"L"; byte_test:1,!=,5,0,relative;', 'L\x06', true],
    ['content:"L"; byte_test:1,^,5,0,relative;', 'L\x05', false],
    ['content:"L"; byte_test:3,=,123,0,relative,string,dec;', 'L123', true],
    ['content:"L"; byte_test:4,=,0x1f,0,relative,string,hex;', 'L0x1f', true],
    ['content:"L"; byte_test:3,=,83,0,relative,string,oct;', 'L123', true],
    ['content:"L"; byte_test:0,>,800,0,relative,string,dec;', 'L12345', true],
    ['content:"L"; byte_test:3,=,12,0,relative,string,dec;', 'L12x', true],
    ['content:"L"; byte_test:3,>=,0,0,relative,string,dec;', 'Lxyz', false],
    ['content:"L"; byte_test:1,=,3,0,relative,bitmask 0xf0;', 'L\x35', true],
    ['content:"L"; byte_test:2,<=,1,5;', 'L', false],
    ['content:"L"; byte_test:1,=,76,-1,relative;', 'L', true],
    ['content:"L"; byte_test:8,>,0xfffffffffffffffe,0,relative;', `L${'\xff'.repeat(8)}`, true],
    ['content:"L"; byte_test:8,>,0xfffffffffffffffe,0,relative;', `L${'\xff'.repeat(7)}\xfe`, false],
  ],
  byte_jump: [
    ['content:"L"; byte_jump:1,0,relative; content:"X"; within:1;', 'L\x02..X', true],
    ['content:"L"; byte_jump:1,0,relative; content:"X"; within:1;', 'L\x01..X', false],
    ['content:"L"; byte_jump:1,0,relative,multiplier 2; content:"X"; within:1;', 'L\x01..X', true],
    ['content:"L"; byte_jump:1,0,relative,align; content:"X"; within:1;', 'L\x01....X', true],
    ['content:"L"; byte_jump:1,0,relative,post_offset 1; content:"X"; within:1;', 'L\x01..X', true],
    ['content:"L"; byte_jump:1,0,relative,post_offset -1; content:"X"; within:1;', 'L\x02.X', true],
    ['content:"L"; byte_jump:1,0,relative,from_beginning; content:"X"; within:1;', 'L\x04..X', true],
    ['content:"L"; byte_jump:1,0,relative,from_end,post_offset -3; content:"X"; within:1;', 'L\x02..X', true],
    ['content:"L"; byte_jump:2,0,relative,string,dec; content:"X"; within:1;', 'L02..X', true],
    ['content:"L"; byte_jump:2,0,relative,little; content:"X"; within:1;', 'L\x02\x00..X', true],
    ['content:"L"; byte_jump:1,0,relative; isdataat:0,relative;', 'L\x09', false],
    ['content:"L"; byte_jump:1,0; isdataat:0,relative;', 'L..', false],
  ],
  byte_extract: [
    ['content:"L"; byte_extract:1,0,n,relative; content:"X"; distance:n; within:1;', 'L\x02..X', true],
    ['content:"L"; byte_extract:1,0,n,relative; content:"X"; offset:n;', 'L\x04..X', true],
    ['content:"L"; byte_extract:1,0,n,relative; content:"X"; offset:n;', 'L\x05..X', false],
    ['content:"L"; byte_extract:1,0,n,relative; content:"X"; depth:n;', 'L\x05..X', true],
    ['content:"L"; byte_extract:1,0,n,relative; content:"X"; depth:n;', 'L\x04..X', false],
    ['content:"L"; byte_extract:1,0,n,relative; isdataat:n,relative;', 'L\x02..', true],
    ['content:"L"; byte_extract:1,0,n,relative; isdataat:!n,relative;', 'L\x03..', true],
    ['content:"L"; byte_extract:1,0,n,relative; byte_test:1,=,n,0,relative;', 'L\x07\x07', true],
    ['content:"L"; byte_extract:1,0,n,relative,multiplier 2; byte_test:1,=,n,0,relative;', 'L\x03\x06', true],
    ['content:"L"; byte_extract:1,0,n,relative,align 4; byte_test:1,=,n,0,relative;', 'L\x03\x04', true],
    ['content:"L"; byte_extract:1,0,n,relative; byte_test:1,=,1,n,relative;', 'L\x02..\x01', true],
    ['content:"L"; byte_extract:1,0,n,relative; content:"X"; within:n;', 'L\x02.X', true],
    ['content:"L"; byte_extract:1,0,n,relative; content:"X"; within:n;', 'L\x01.X', false],
  ],
  pcre: [
    ['content:"abc"; pcre:"/b[cx]d/";', 'abcd', true],
    ['content:"abc"; pcre:"/B[CX]D/";', 'abcd', false],
    ['content:"abc"; pcre:"/B[CX]D/i";', 'abcd', true],
    ['content:"abc"; pcre:"/^d/R";', 'abcd', true],
    ['content:"abc"; pcre:"/^d/R";', 'abcxd', false],
    ['content:"abc"; pcre:"/^d/R";', 'abcxabcd', true],
    ['content:"abc"; pcre:"/^x$/m";', 'abc\nx\n', true],
    ['content:"abc"; pcre:"/c.x/s";', 'abc\nx', true],
    ['content:"abc"; pcre:"/c . d/x";', 'abcxd', true],
    ['content:"abc"; pcre:"/b/A";', 'abc', false],
    ['content:"abc"; pcre:!"/def/";', 'abc', true],
    ['content:"abc"; pcre:!"/def/";', 'abcdef', false],
    ['content:"abc"; pcre:"/\\d+/"; content:"X"; within:1;', 'abc12.34X', true],
    ['content:"abc"; pcre:"/\\d+/"; content:"X"; within:1;', 'abc12.34.X', false],
    ['content:"abc"; pcre:"/a\\/b\\"c/";', 'abc a/b"c', true],
  ],
};

describe('keywords over a payload', () => {
  for (const [keyword, cases] of Object.entries(PAYLOAD_CASES)) {
    test(keyword, () => {
      for (const [options, payload, want] of cases) {
        const harness = new Harness(`alert tcp any any -> any any (msg:"m"; ${options} sid:1;)`);
        expect({ options, payload, got: harness.stream(payload) }).toEqual({
          options,
          payload,
          got: want ? [1] : [],
        });
      }
    });
  }
});

describe('buffers of a transaction', () => {
  const request = () =>
    new TestTransaction()
      .set('http.method', 'POST')
      .set('http.uri', '/a/b.php?x=1')
      .set('http.uri.raw', '/a/%62.php?x=1')
      .set('http.header', 'Host: example.com\r\nUser-Agent: Evil/1.0\r\n')
      .set('http.host', 'www.example.com')
      .set('http.user_agent', 'Evil/1.0');

  const CASES: readonly (readonly [options: string, want: boolean])[] = [
    ['http.uri; content:"/b.php";', true],
    ['http.uri; content:"/c.php";', false],
    ['content:"/b.php"; http_uri;', true],
    ['content:"/b.php"; http_uri; content:"x=1"; http_uri; distance:1; within:3;', true],
    ['content:"/%62.php"; http_raw_uri;', true],
    ['uricontent:"/b.php";', true],
    ['http.uri; content:"/b.php"; http.method; content:"POST";', true],
    ['http.uri; content:"/b.php"; http.method; content:"GET";', false],
    ['http.uri; content:"/b.php"; http.method; content:!"GET";', true],
    // An absent buffer matches nothing, not even the lack of something.
    ['http.uri; content:"/b.php"; http.cookie; content:!"x";', false],
    ['http.uri; bsize:12; content:"/a";', true],
    ['http.uri; bsize:11; content:"/a";', false],
    ['http.uri; bsize:>11; content:"/a";', true],
    ['http.uri; bsize:10<>13; content:"/a";', true],
    ['http.uri; bsize:!12; content:"/a";', false],
    ['http.uri; content:"/a"; urilen:12;', true],
    ['http.uri; content:"/a"; urilen:<12;', false],
    ['http.uri; content:"/a"; urilen:14,raw;', true],
    ['urilen:12;', true],
    ['http.uri; pcre:"/b\\.php\\?x=\\d$/";', true],
    ['pcre:"/b\\.php\\?x=\\d$/U";', true],
    ['pcre:"/b\\.php/W";', false],
    ['http.host; content:"example.com"; endswith;', true],
    ['http.host; dotprefix; content:".www.example.com"; bsize:16;', true],
    ['http.host; to_uppercase; content:"EXAMPLE";', true],
    ['http.user_agent; to_lowercase; content:"evil";', true],
    ['http.user_agent; content:"evil";', false],
    ['http.user_agent; to_md5; content:"|c1 5d|";', false],
    ['http.user_agent; xor:"00"; content:"Evil";', true],
    ['http.uri; url_decode; content:"/b.php";', true],
    ['http.header; strip_whitespace; content:"Host:example.comUser-Agent:Evil";', true],
    ['http.header; header_lowercase; content:"user-agent: Evil";', true],
    ['http.host; content:"www"; dotprefix; content:".www"; startswith;', true],
    ['flow:to_server; http.uri; content:"/b.php";', true],
    ['http.uri; content:"/b.php"; fast_pattern:1,4;', true],
    ['http.uri; content:"/a"; http.host; content:"example"; fast_pattern;', true],
    ['http.uri; content:"/b.php"; byte_extract:1,0,n,relative; http.host; content:"www"; isdataat:!n;', true],
  ];

  test('options', () => {
    for (const [options, want] of CASES) {
      const harness = new Harness(`alert http any any -> any any (${options} sid:1;)`);
      expect({ options, got: harness.transaction(request(), 2) }).toEqual({ options, got: want ? [1] : [] });
    }
  });

  test('a rule waits for later buffers and fires once', () => {
    const harness = new Harness(
      'alert http any any -> any any (http.uri; content:"/b.php"; http.user_agent; content:"Evil"; sid:1;)',
    );
    const transaction = request();
    expect(harness.transaction(transaction, 1)).toEqual([]);
    expect(typeof transaction.matchState).toBe('object');
    expect(harness.transaction(transaction, 2)).toEqual([1]);
    expect(harness.transaction(transaction, 3)).toEqual([]);
    harness.matcher.endTransaction(harness.context, transaction);
    expect(transaction.matchState).toBeNull();
  });

  test('nothing is kept where nothing waits', () => {
    const harness = new Harness('alert http any any -> any any (http.uri; content:"/nothing"; sid:1;)');
    const transaction = request();
    expect(harness.transaction(transaction, 1)).toEqual([]);
    expect(typeof transaction.matchState).toBe('number');
  });

  test('a growing body', () => {
    const harness = new Harness(
      [
        'alert http any any -> any any (http.request_body; content:"abcdef"; sid:1;)',
        'alert http any any -> any any (http.request_body; content:"abc"; content:"xyz"; distance:0; sid:2;)',
        'alert http any any -> any any (http.uri; content:"/b.php"; http.request_body; content:"zz"; endswith; bsize:14; sid:3;)',
        'alert http any any -> any any (http.request_body; content:"q"; content:!"abc"; sid:4;)',
      ].join('\n'),
    );
    const transaction = request();
    expect(harness.transaction(transaction.grow('http.request_body', '..abc', false), 2)).toEqual([]);
    expect(harness.transaction(transaction.grow('http.request_body', 'def', false), 2)).toEqual([1]);
    expect(harness.transaction(transaction.grow('http.request_body', '.xyz', false), 2)).toEqual([2]);
    expect(harness.transaction(transaction.grow('http.request_body', 'zz', true), 3)).toEqual([3]);
    expect(harness.transaction(transaction, 4)).toEqual([]);
  });

  test('a buffer that occurs several times', () => {
    const harness = new Harness(
      [
        'alert dns any any -> any any (dns.query; content:"evil"; content:".com"; distance:0; sid:1;)',
        'alert dns any any -> any any (dns.query; content:"evil"; dns.query; content:"good"; sid:2;)',
      ].join('\n'),
    );
    const transaction = new TestTransaction().set('dns.query', ['good.org', 'evil.com']);
    expect(harness.transaction(transaction, 1, 0, 'dns')).toEqual([1, 2]);
    const apart = new TestTransaction().set('dns.query', ['evil.org', 'x.com']);
    expect(harness.transaction(apart, 1, 0, 'dns')).toEqual([]);
  });

  test('directions and protocols', () => {
    const rules = [
      'alert http any any -> any any (http.stat_code; content:"200"; sid:1;)',
      'alert http any any -> any any (flow:to_client; http.header; content:"Server"; sid:2;)',
      'alert tcp any any -> any any (file.data; content:"MZ"; startswith; sid:3;)',
      'alert dns any any -> any any (dns.query; content:"200"; sid:4;)',
    ];
    const harness = new Harness(rules.join('\n'));
    const response = new TestTransaction()
      .set('http.stat_code', '200')
      .set('http.header', 'Server: x\r\n')
      .grow('file.data', 'MZ..', true);
    expect(harness.transaction(response, 3, 1)).toEqual([1, 2, 3]);
    expect(harness.transaction(response, 3, 0)).toEqual([3]);
  });

  test('raw contents beside buffers', () => {
    const harness = new Harness(
      'alert http any any -> any any (content:"rawness"; http.uri; content:"/b.php"; sid:1;)',
    );
    expect(harness.transaction(request(), 2)).toEqual([]);
    harness.setPacket({ payload: 'some rawness' });
    expect(harness.transaction(request(), 2)).toEqual([1]);
  });
});

describe('headers', () => {
  const CASES: readonly (readonly [rule: string, fields: Parameters<Harness['packet']>[0], want: boolean])[] =
    [
      ['tcp-pkt any any -> any 80 (content:"abc";', { payload: 'abc' }, true],
      ['tcp-pkt any any -> any 81 (content:"abc";', { payload: 'abc' }, false],
      ['tcp-pkt any any -> any ![80,81] (content:"abc";', { payload: 'abc' }, false],
      ['tcp-pkt any any -> any $HTTP_PORTS (content:"abc";', { payload: 'abc', destinationPort: 8080 }, true],
      ['tcp-pkt any 80 <> any any (content:"abc";', { payload: 'abc' }, true],
      ['tcp-pkt $EXTERNAL_NET any -> $HOME_NET any (content:"abc";', { payload: 'abc' }, true],
      ['tcp-pkt $HOME_NET any -> $EXTERNAL_NET any (content:"abc";', { payload: 'abc' }, false],
      ['tcp-pkt $HOME_NET any <> $EXTERNAL_NET any (content:"abc";', { payload: 'abc' }, true],
      ['udp any any -> any any (content:"abc";', { payload: 'abc', protocol: 17 }, true],
      ['udp any any -> any any (content:"abc";', { payload: 'abc' }, false],
      ['ip any any -> any any (content:"abc";', { payload: 'abc', protocol: 47 }, true],
      ['icmp any any -> any any (itype:8; content:"abc";', { payload: 'abc', protocol: 1 }, false],
      ['tcp any any -> any any (flags:PA; dsize:3;', { payload: 'abc' }, true],
      ['tcp any any -> any any (flags:S;', { tcpFlags: 2 }, true],
      ['tcp any any -> any any (flags:S;', { tcpFlags: 0x12 }, false],
      ['tcp any any -> any any (flags:S+;', { tcpFlags: 0x12 }, true],
      ['tcp any any -> any any (flags:S,CE;', { tcpFlags: 0xc2 }, true],
      ['tcp any any -> any any (dsize:>2; content:"abc";', { payload: 'abc' }, true],
      ['tcp any any -> any any (dsize:2<>4; content:"abc";', { payload: 'abc' }, true],
      ['tcp any any -> any any (dsize:<3; content:"abc";', { payload: 'abc' }, false],
      ['ip [1.2.3.0/24,!1.2.3.4] any -> any any (', {}, false],
      ['ip [1.2.3.0/24,!1.2.3.5] any -> any any (', {}, true],
      ['ip any any -> 10.0.0.1 any (', {}, true],
      ['ip any any -> 10.0.0.2 any (', {}, false],
      ['ip fd00::/8 any -> any any (', { version: 6, source: [0xfd000000, 0, 0, 1] }, true],
      ['ip fd00::/8 any -> any any (', { version: 6, source: [0xfe000000, 0, 0, 1] }, false],
      ['tcp any any -> any any (flow:to_client; dsize:0;', {}, false],
      ['tcp any any -> any any (flow:to_server,established; dsize:0;', {}, true],
      ['tcp any any -> any any (flow:not_established; dsize:0;', {}, false],
      ['tcp any any -> any any (flow:stateless; dsize:0;', {}, true],
    ];

  test('of packets', () => {
    for (const [rule, fields, want] of CASES) {
      const harness = new Harness(`alert ${rule} sid:1;)`);
      harness.context.firstOfDirection = true;
      expect({ rule, fields, got: harness.packet(fields) }).toEqual({ rule, fields, got: want ? [1] : [] });
    }
  });

  test('rules about addresses fire once for each direction of a flow', () => {
    const harness = new Harness('alert ip 1.2.3.4 any -> any any (sid:1;)');
    harness.context.firstOfDirection = true;
    expect(harness.packet()).toEqual([1]);
    harness.context.firstOfDirection = false;
    expect(harness.packet()).toEqual([]);
  });

  test('stream_size asks for the sequence numbers used', () => {
    const cases = [
      ['server,>,100', 0, 101, true],
      ['server,>,100', 0, 100, false],
      ['client,<=,5', 5, 0, true],
      ['both,<,10', 9, 10, false],
      ['either,<,10', 9, 10, true],
      ['client,!=,3', 3, 0, false],
      ['client,<,3', -1, 0, false],
    ] as const;
    for (const [value, client, server, want] of cases) {
      const harness = new Harness(`alert tcp any any -> any any (stream_size:${value}; sid:1;)`);
      harness.context.clientStreamSize = client;
      harness.context.serverStreamSize = server;
      expect({ value, got: harness.packet() }).toEqual({ value, got: want ? [1] : [] });
    }
  });

  test('a payload rule of tcp is matched in the stream only, unless it is bound to a place', () => {
    const harness = new Harness(
      'alert tcp any any -> any any (content:"abc"; sid:1;)\nalert tcp any any -> any any (content:"abc"; depth:5; sid:2;)',
    );
    expect(harness.packet({ payload: 'abc' })).toEqual([2]);
    expect(harness.stream('abc')).toEqual([1, 2]);
    harness.context.payloadInStream = false;
    expect(harness.packet({ payload: 'abc' })).toEqual([1, 2]);
  });
});

describe('streams', () => {
  test('bytes that were inspected do not fire again', () => {
    const harness = new Harness('alert tcp any any -> any any (content:"abcd"; sid:1;)');
    expect(harness.stream('..abcd')).toEqual([1]);
    expect(harness.stream('..abcd..', 6)).toEqual([]);
    expect(harness.stream('..abcd..ab', 8)).toEqual([]);
    expect(harness.stream('..abcd..abcd', 10)).toEqual([1]);
  });

  test('a rule is completed by later bytes', () => {
    const harness = new Harness(
      'alert tcp any any -> any any (content:"first part"; content:"then"; distance:0; sid:1;)',
    );
    expect(harness.stream('.. first part ..')).toEqual([]);
    expect(harness.context.flowState?.waiting.length).toBe(3);
    expect(harness.stream('.. first part .. then', 16)).toEqual([1]);
    expect(harness.context.flowState).toBeNull();
  });

  test('a rule stops waiting when its pattern has left the window', () => {
    const harness = new Harness(
      'alert tcp any any -> any any (content:"first part"; content:"then"; distance:0; sid:1;)',
    );
    expect(harness.stream('.. first part ..')).toEqual([]);
    expect(harness.stream('something else', 0, 16)).toEqual([]);
    expect(harness.context.flowState).toBeNull();
  });

  test('however many others wait, a rule is completed by later bytes, and fires once', () => {
    const others = Array.from(
      { length: 20 },
      (_, i) => `alert tcp any any -> any any (content:"decoy${100 + i}"; content:"never"; sid:${100 + i};)`,
    );
    const rules = [
      ...others,
      'alert tcp any any -> any any (content:"first part"; content:"then"; distance:0; sid:1;)',
      'alert tcp any any -> any any (content:"decoy100"; content:"decoy119"; sid:2;)',
    ];
    const harness = new Harness(rules.join('\n'));
    const decoys = others.map((_, i) => `decoy${100 + i}`).join(' ');
    let window = `${decoys} `;
    expect(harness.stream(window)).toEqual([2]);
    const add = (text: string) => {
      const fresh = window.length;
      window += text;
      return harness.stream(window, fresh);
    };
    expect(add('first part')).toEqual([]);
    expect(add(' ..')).toEqual([]);
    expect(add(' then')).toEqual([1]);
    expect(add(' then')).toEqual([]);
    // The window has moved on.
    expect(harness.stream('something else', 0, window.length)).toEqual([]);
    expect(harness.context.flowState).toBeNull();
    expect(harness.stream('something else then', 14, window.length)).toEqual([]);
  });

  test('a rule that no bytes can complete does not wait', () => {
    const harness = new Harness(
      'alert tcp any any -> any any (content:"first part"; content:"then"; within:4; sid:1;)',
    );
    expect(harness.stream('.. first part ......')).toEqual([]);
    expect(harness.context.flowState).toBeNull();
  });
});

describe('flow bits, actions and thresholds', () => {
  test('a bit set by one rule is seen by another in the same packet', () => {
    const harness = new Harness(
      [
        'alert tcp any any -> any any (content:"abc"; flowbits:isset,seen; sid:1;)',
        'alert tcp any any -> any any (content:"abc"; flowbits:set,seen; flowbits:noalert; sid:2;)',
      ].join('\n'),
    );
    expect(harness.stream('abc')).toEqual([1]);
    expect(harness.context.flowState?.has(harness.names.intern('seen'))).toBe(true);
  });

  test('isset, isnotset, unset, toggle, any and all', () => {
    const rule = (options: string, sid: number) => `alert tcp any any -> any any (${options} sid:${sid};)`;
    const harness = new Harness(
      [
        rule('content:"seta"; flowbits:set,a;', 1),
        rule('content:"setb"; flowbits:set,b;', 2),
        rule('content:"toggle"; flowbits:toggle,a;', 3),
        rule('content:"unset"; flowbits:unset,a; flowbits:unset,b;', 4),
        rule('content:"ask"; flowbits:isset,a|b;', 11),
        rule('content:"ask"; flowbits:isset,a&b;', 12),
        rule('content:"ask"; flowbits:isnotset,a;', 13),
      ].join('\n'),
    );
    expect(harness.stream('ask')).toEqual([13]);
    expect(harness.stream('setb')).toEqual([2]);
    expect(harness.stream('ask')).toEqual([11, 13]);
    expect(harness.stream('seta')).toEqual([1]);
    expect(harness.stream('ask')).toEqual([11, 12]);
    expect(harness.stream('toggle')).toEqual([3]);
    expect(harness.stream('ask')).toEqual([11, 13]);
    expect(harness.stream('unset')).toEqual([4]);
    expect(harness.context.flowState).toBeNull();
  });

  test('order of actions, priorities and sids', () => {
    const harness = new Harness(
      [
        'alert tcp any any -> any any (content:"abc"; priority:2; sid:1;)',
        'alert tcp any any -> any any (content:"abc"; priority:1; sid:3;)',
        'alert tcp any any -> any any (content:"abc"; priority:1; sid:2;)',
        'reject tcp any any -> any any (content:"abc"; sid:4;)',
        'drop tcp any any -> any any (content:"abc"; sid:5;)',
      ].join('\n'),
    );
    expect(harness.stream('abc')).toEqual([5, 4, 2, 3, 1]);
  });

  test('pass ends the list', () => {
    const harness = new Harness(
      'alert tcp any any -> any any (content:"abc"; sid:1;)\npass tcp any any -> any any (content:"abc"; sid:2;)',
    );
    expect(harness.stream('abc')).toEqual([2]);
  });

  test('noalert: an alert is not told, a drop is told as silent', () => {
    const harness = new Harness(
      'alert tcp any any -> any any (content:"abc"; noalert; sid:1;)\ndrop tcp any any -> any any (content:"abc"; noalert; sid:2;)',
    );
    expect(harness.stream('abc')).toEqual([2]);
    expect(harness.matcher.fired.silent[0]).toBe(1);
  });

  const THRESHOLDS: readonly (readonly [options: string, want: readonly number[]])[] = [
    // Nine matches, one a second; which of them alert.
    ['threshold:type limit, track by_src, count 2, seconds 4;', [0, 1, 5, 6]],
    ['threshold:type threshold, track by_src, count 3, seconds 100;', [2, 5, 8]],
    ['threshold:type both, track by_dst, count 2, seconds 4;', [1, 6]],
    ['detection_filter:track by_src, count 3, seconds 100;', [3, 4, 5, 6, 7, 8]],
    ['threshold:type limit, track by_rule, count 1, seconds 100;', [0]],
    ['threshold:type threshold, track by_both, count 2, seconds 1;', [1, 3, 5, 7]],
    ['threshold:type threshold, track by_src, count 1, seconds 3;', [0, 1, 2, 3, 5, 6, 7]],
    [
      'threshold:type threshold, track by_src, count 2, seconds 100; threshold:type limit, track by_src, count 1, seconds 100;',
      [1],
    ],
  ];

  test('thresholds count by packet time', () => {
    for (const [options, want] of THRESHOLDS) {
      const harness = new Harness(`alert tcp any any -> any any (content:"abc"; ${options} sid:1;)`);
      const got: number[] = [];
      for (let i = 0; i < 9; i++) {
        if (harness.stream('abc').length > 0) got.push(i);
        harness.context.timeMicros += 1e6;
      }
      expect({ options, got }).toEqual({ options, got: want });
    }
  });

  test('above its limit a drop rule still drops', () => {
    const harness = new Harness(
      'drop tcp any any -> any any (content:"abc"; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)',
    );
    expect(harness.stream('abc')).toEqual([1]);
    expect(harness.matcher.fired.silent[0]).toBe(0);
    expect(harness.stream('abc')).toEqual([1]);
    expect(harness.matcher.fired.silent[0]).toBe(1);
  });

  test('sources are counted apart', () => {
    const harness = new Harness(
      'alert tcp-pkt any any -> any any (content:"abc"; threshold:type limit, track by_src, count 1, seconds 60; sid:1;)',
    );
    expect(harness.packet({ payload: 'abc' })).toEqual([1]);
    expect(harness.packet({ payload: 'abc' })).toEqual([]);
    expect(harness.packet({ payload: 'abc', source: [0, 0, 0xffff, 0x05060708] })).toEqual([1]);
  });
});

describe('reload', () => {
  const RULES = [
    'alert tcp any any -> any any (content:"first part"; content:"then"; distance:0; sid:1;)',
    'alert tcp any any -> any any (content:"seta"; flowbits:set,a; sid:2;)',
    'alert http any any -> any any (http.uri; content:"/b.php"; http.user_agent; content:"Evil"; sid:3;)',
  ];

  test('flow bits stay, what was waiting is dropped', () => {
    const harness = new Harness(RULES.join('\n'));
    const transaction = new TestTransaction().set('http.uri', '/b.php').set('http.user_agent', 'Evil');
    expect(harness.transaction(transaction, 1)).toEqual([]);
    expect(harness.stream('seta .. first part ..')).toEqual([2]);
    harness.matcher.swap(
      harness.compile(
        [...RULES, 'drop tcp any any -> any any (content:"ask"; flowbits:isset,a; sid:4;)'].join('\n'),
      ),
    );
    expect(harness.stream('seta .. first part .. then ask', 21)).toEqual([4]);
    expect(harness.transaction(transaction, 2)).toEqual([]);
  });
});

test('a profile counts what each rule costs', () => {
  const harness = new Harness(
    [
      'alert tcp any any -> any any (content:"abc"; sid:1;)',
      'alert tcp any any -> any any (content:"abc"; content:"def"; sid:2;)',
      'alert tcp any any -> any any (content:"xyz"; sid:3;)',
    ].join('\n'),
  );
  const costs = new RuleCosts(harness.matcher.ruleset.rules.length);
  harness.matcher.profile = costs;
  harness.stream('abc');
  harness.stream('abc def');
  const rows = costs
    .costliest(10)
    .map(({ rule, checks, matches }) => [harness.matcher.rule(rule).sid, checks, matches]);
  expect(rows.sort()).toEqual([
    [1, 2, 2],
    [2, 2, 1],
  ]);
});

describe('bounds', () => {
  test('recursion is bounded and counted', () => {
    const harness = new Harness(
      'alert tcp any any -> any any (content:"a"; content:"a"; within:500; content:"a"; within:500; content:"b"; within:1; sid:1;)',
      { recursion: 100 },
    );
    expect(harness.stream(`b${'a'.repeat(400)}`)).toEqual([]);
    expect(harness.matcher.statistics().recursionExceeded).toBe(1);
  });

  test('searched bytes are bounded and counted', () => {
    const rules = [
      'alert tcp any any -> any any (content:"abc"; content:"def"; content:"x"; sid:1;)',
      'alert tcp any any -> any any (content:"ghi"; content:"jkl"; sid:2;)',
    ].join('\n');
    const text = `ghijklabc${'.'.repeat(100)}def`;
    const limited = (limits: Partial<MatcherLimits>) => {
      const harness = new Harness(rules, limits);
      return [harness.stream(text), harness.matcher.statistics().budgetExceeded];
    };
    expect(limited({})).toEqual([[2], 0]);
    // What one rule has used up, others still have.
    expect(limited({ bytesPerRule: 50 })).toEqual([[2], 1]);
    expect(limited({ bytes: 50 })).toEqual([[], 2]);
  });

  test('patterns of very many other rules leave enough for the one that matches', () => {
    const decoys = Array.from({ length: 400 }, (_, i) => `decoy${1000 + i}`);
    const rules = decoys.map(
      (decoy, i) =>
        `alert tcp any any -> any any (content:"${decoy}"; fast_pattern; content:"never"; sid:${i + 1};)`,
    );
    const attack = 'alert tcp any any -> any any (content:"attack"; content:"it is"; sid:9999;)';
    const harness = new Harness([...rules, attack].join('\n'));
    expect(harness.stream(`${decoys.join('')}${'.'.repeat(60_000)}attack it is`)).toEqual([9999]);
  });

  test('the list of matches is bounded and counted', () => {
    const rules = Array.from(
      { length: 8 },
      (_, i) => `alert tcp any any -> any any (content:"abc"; sid:${i + 1};)`,
    );
    const harness = new Harness(rules.join('\n'), { matches: 4 });
    expect(harness.stream('abc')).toEqual([1, 2, 3, 4]);
    expect(harness.matcher.statistics().matchOverflow).toBe(4);
  });
});
