/** The matcher behind the real HTTP/1 parser, however the bytes are cut. */

import { createHttp1, type Direction, HTTP1_BUFFERS, type TransactionListener } from '@portcullis/protocols';
import { parseRuleText } from '@portcullis/rules';
import { latin1, VARIABLES } from '../testing/harness';
import { Random } from '../testing/random';
import { compileRulesNow } from './compile-rules';
import { InspectionContext } from './context';
import { prepareDatabasesNow } from './databases';
import { Matcher } from './matcher';
import { NameTable } from './name-table';

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff));

const RULES = [
  'alert http any any -> any any (http.method; content:"POST"; http.uri; content:"/cgi-bin/"; sid:1;)',
  'alert http any any -> any any (http.uri; content:"/cgi-bin/"; http.request_body; content:"cmd=/bin/sh"; sid:2;)',
  'alert http any any -> any any (http.user_agent; content:"Evil"; startswith; http.header_names; content:!"Referer"; sid:3;)',
  'alert http any any -> any any (http.host; content:"example.com"; bsize:11; sid:4;)',
  'alert http any any -> any any (http.request_body; content:"cmd="; content:"uid"; distance:0; endswith; sid:5;)',
  'alert http any any -> any any (flow:to_client; http.stat_code; content:"200"; file.data; content:"secret"; content:"word"; within:6; sid:6;)',
  'alert http any any -> any any (flow:to_client; http.header; content:"X-Powered-By|3a 20|old"; nocase; sid:7;)',
  'alert http any any -> any any (urilen:>10; http.method; content:!"GET"; sid:8;)',
  'alert http any any -> any any (http.uri; content:"/other"; sid:101;)',
  'alert http any any -> any any (http.uri; content:"/cgi-bin/"; http.user_agent; content:!"Evil"; sid:102;)',
  'alert http any any -> any any (http.host; content:"www.example.com"; sid:103;)',
  'alert http any any -> any any (http.request_body; content:"cmd="; within:4; content:"cmd="; distance:0; sid:104;)',
  'alert http any any -> any any (flow:to_client; file.data; content:"secret"; content:"word"; within:4; sid:105;)',
];

const BODY = 'a=1&cmd=/bin/sh&u=uid';
const REQUEST = latin1(
  `POST /cgi-bin/%74est?x=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Evil/2\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
);
const RESPONSE = latin1(
  'HTTP/1.1 200 OK\r\nX-powered-by: OLD\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n..sec\r\n9\r\nret: word\r\n0\r\n\r\n',
);

test(`each rule fires once, wherever the bytes are cut (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const { rules } = parseRuleText(RULES.join('\n'), { variables: VARIABLES });
  const { ruleset, failed } = compileRulesNow(rules, {
    buffers: HTTP1_BUFFERS,
    protocols: ['http'],
    names: new NameTable(),
  });
  expect(failed.map(({ error }) => error.message)).toEqual([]);
  prepareDatabasesNow(ruleset);
  const matcher = new Matcher(ruleset);
  const context = new InspectionContext();
  context.hasFlow = true;
  context.flowEstablished = true;
  context.appProtocol = 1;
  context.packet.version = 4;
  context.packet.protocol = 6;
  const listener: TransactionListener = {
    onProgress: (transaction, direction) => matcher.inspectTransaction(context, transaction, direction),
    onTransactionEnd: (transaction) => matcher.endTransaction(context, transaction),
    onEvent() {},
    onUpgrade() {},
    onExpectation() {},
  };
  const http = createHttp1();
  for (let round = 0; round < 60; round++) {
    const parser = http.create(listener);
    const fired: number[] = [];
    const feed = (direction: Direction, bytes: Uint8Array) => {
      context.direction = direction;
      const pieces = round === 0 ? 1 : 1 + random.below(6);
      let start = 0;
      for (let piece = 0; piece < pieces; piece++) {
        const end = piece === pieces - 1 ? bytes.length : start + random.below(bytes.length - start + 1);
        // A parser may not rely on bytes it was given before.
        const lent = bytes.slice(start, end);
        matcher.begin(context);
        parser.feed(direction, lent, 0, lent.length);
        matcher.end(context);
        for (let i = 0; i < matcher.matchCount; i++) fired.push(matcher.rule(matcher.matches[i]).sid);
        lent.fill(0);
        start = end;
      }
    };
    for (let exchange = 0; exchange < 2; exchange++) {
      feed(0, REQUEST);
      feed(1, RESPONSE);
    }
    fired.sort((a, b) => a - b);
    const want = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((sid) => [sid, sid]);
    expect({ seed: SEED, round, fired }).toEqual({ seed: SEED, round, fired: want });
  }
  matcher.close();
});
