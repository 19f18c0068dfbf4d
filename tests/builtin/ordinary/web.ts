// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates are ordinary content
import { type OrdinaryTraffic, says, talk } from '../exchange';
import {
  answerText,
  get,
  JSON_TYPE,
  multipart,
  post,
  put,
  request,
  requestText,
  upload,
  XML_TYPE,
} from '../http';

const page = `<!doctype html><html><head><title>Shop</title><script src="/app.js"></script></head><body>${'<p>Nothing to see here.</p>'.repeat(80)}</body></html>`;
const script =
  'const greet = (name) => `Hello ${name}`; function f() { return {}; } fetch("/api/items?id=1").then(r => r.json());';

const sql = "SELECT id, name FROM products WHERE name = 'union' OR id = 1 ORDER BY id; -- select all";

const chunked =
  'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n';

/** Several requests on one connection, one behind the other. */
const browsing = talk(
  80,
  requestText('GET', '/'),
  says(answerText('200 OK', page)),
  requestText('GET', '/app.js', '', { Referer: 'http://www.example.org/', 'Accept-Encoding': 'gzip' }),
  says(answerText('200 OK', script, 'text/javascript')),
  requestText('GET', '/images/../images/logo.png', '', { 'If-None-Match': '"5f3-1"' }),
  says('HTTP/1.1 304 Not Modified\r\nETag: "5f3-1"\r\n\r\n'),
  requestText('GET', '/search?q=union+select+committee&sort=price&page=2'),
  says(chunked),
);

const pipelined = talk(
  80,
  requestText('GET', '/a') + requestText('GET', '/b?x=%7B%22a%22%3A1%7D') + requestText('HEAD', '/c'),
  says(
    `${answerText('200 OK', 'a') + answerText('200 OK', 'b')}HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n`,
  ),
);

const cookies = get('/account', {
  Cookie:
    'session=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.abc; theme=dark; consent={"ads":false,"stats":true}; _ga=GA1.2.3.4; cart=[1,2]',
  Referer: 'https://www.example.org/item?id=1&ref=mail',
  'Accept-Language': 'de-DE,de;q=0.9,en;q=0.8',
  'X-Requested-With': 'XMLHttpRequest',
  'X-Forwarded-For': '203.0.113.9',
  Connection: 'keep-alive',
});

const form = multipart(
  { name: 'title', content: 'Holiday; photos && more | "quoted"' },
  { name: 'text', content: "It's {{ weather }} and ${price} (or 1=1 for that matter)\r\n-- Ann" },
  {
    name: 'photo',
    filename: 'beach #1 {2026}.jpg',
    type: 'image/jpeg',
    content: `\xff\xd8\xff\xe0\0\x10JFIF${'\x80\x7f\xac\xed\0\x05'.repeat(200)}`,
  },
);

const svg =
  '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg><path d="M0 0"/></svg>';

const soap =
  '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><getOrder><id>1</id><class>java.lang.String</class></getOrder></soapenv:Body></soapenv:Envelope>';

export const web: readonly OrdinaryTraffic[] = [
  { name: 'browsing', exchange: browsing },
  { name: 'pipelined requests', exchange: pipelined },
  { name: 'cookies and headers', exchange: cookies },
  { name: 'form with a file', exchange: post('/posts', form.body, form.headers) },
  {
    name: 'login form',
    exchange: post('/login', 'username=ann%40example.org&password=p%24w%7Brd%27or%3D1&next=%2Fhome%3Fa%3D1'),
  },
  {
    name: 'JSON API',
    exchange: post(
      '/api/v1/orders',
      '{"items":[{"id":1,"price":"$5","note":"{urgent}"}],"then":"ship","constructor":"x"}',
      JSON_TYPE,
    ),
  },
  {
    name: 'GraphQL',
    exchange: post(
      '/graphql',
      '{"query":"query($id: ID!) { user(id: $id) { name __typename } }","variables":{"id":"1"}}',
      JSON_TYPE,
    ),
  },
  {
    name: 'SOAP',
    exchange: post('/ws/orders', soap, { ...XML_TYPE, SOAPAction: '"http://example.org/orders/getOrder"' }),
  },
  { name: 'SVG upload', exchange: upload('/upload', 'drawing.svg', svg, 'image/svg+xml') },
  {
    name: 'PHP source upload',
    exchange: upload(
      '/paste',
      'index.php',
      '<?php\nrequire "vendor/autoload.php";\n$app = new App($_SERVER);\necho $app->run();',
      'text/plain',
    ),
  },
  {
    name: 'shell script upload',
    exchange: upload(
      '/paste',
      'backup.sh',
      '#!/bin/sh\nset -e\ncurl -fsS https://example.org/list | sort > /tmp/list; wget -q https://example.org/a',
      'text/plain',
    ),
  },
  { name: 'SQL in a forum post', exchange: post('/forum/new', `title=Help&text=${encodeURIComponent(sql)}`) },
  {
    name: 'wiki edit about templates',
    exchange: post(
      '/wiki/edit',
      `text=${encodeURIComponent('{{Infobox|name=Union}} ${variable} {% if user.is_active %} $(document).ready(function() { })')}`,
    ),
  },
  {
    name: 'Elasticsearch query',
    exchange: post(
      '/shop/_search',
      '{"query":{"bool":{"must":[{"match":{"title":"script"}}]}},"script_fields":{"p":{"script":{"lang":"painless","source":"doc[\'price\'].value * 2"}}}}',
      JSON_TYPE,
      9200,
    ),
  },
  {
    name: 'Solr query',
    exchange: get('/solr/books/select?q=title:java&fq=price:[10+TO+20]&wt=json', {}, 8983),
  },
  {
    name: 'CouchDB document',
    exchange: put('/db/doc1', '{"roles":["editor"],"type":"page"}', JSON_TYPE, 5984),
  },
  {
    name: 'Docker API',
    exchange: [
      get('/v1.43/containers/json?all=1', {}, 2375),
      post(
        '/v1.43/containers/create?name=web',
        '{"Image":"nginx:1.27","HostConfig":{"Binds":["/srv/www:/usr/share/nginx/html:ro"]}}',
        JSON_TYPE,
        2375,
      ),
    ],
  },
  {
    name: 'Exchange clients',
    exchange: [
      get('/autodiscover/autodiscover.json/v1.0/ann@example.org?Protocol=ActiveSync&RedirectCount=1'),
      post('/mapi/emsmdb/?MailboxId=a1b2@example.org', '\0\0\0\0', {
        'Content-Type': 'application/mapi-http',
      }),
      get('/ecp/', { Cookie: 'X-BackEndCookie=S-1-5-21=u56Lnp2ejJqByMjP; cadata=abc' }),
    ],
  },
  {
    name: 'WebDAV',
    exchange: [
      request('PROPFIND', '/dav/', '<?xml version="1.0"?><propfind xmlns="DAV:"><allprop/></propfind>', {
        headers: { Depth: '1', ...XML_TYPE },
        status: '207 Multi-Status',
      }),
      put('/dav/notes.txt', 'Remember: milk, bread; eggs\n'),
    ],
  },
  {
    name: 'Git over HTTP',
    exchange: [
      get('/project.git/info/refs?service=git-upload-pack'),
      post(
        '/project.git/git-upload-pack',
        '0032want 0a53e9ddeaddad63ad106860237bbf53411d11a7\n00000009done\n',
        { 'Content-Type': 'application/x-git-upload-pack-request' },
      ),
    ],
  },
  {
    name: 'WordPress',
    exchange: [
      get('/wp-login.php'),
      post('/wp-admin/admin-ajax.php', 'action=heartbeat&_nonce=abc&interval=60'),
      post('/xmlrpc.php', '<methodCall><methodName>wp.getPosts</methodName><params/></methodCall>', XML_TYPE),
    ],
  },
  {
    name: 'Jenkins',
    exchange: [
      get('/job/build/42/console', {}, 8080),
      post('/job/build/descriptorByName/hudson.model.FreeStyleProject/checkName', 'value=build', {}, 8080),
    ],
  },
  {
    name: 'router administration',
    exchange: [
      get('/cgi-bin/luci/;stok=8a1f/admin/status'),
      post('/HNAP1/', '<GetDeviceSettings/>', {
        SOAPAction: '"http://purenetworks.com/HNAP1/GetDeviceSettings"',
      }),
    ],
  },
  {
    name: 'UPnP',
    exchange: post(
      '/ctl/IPConn',
      '<s:Envelope><NewInternalClient>192.168.1.5</NewInternalClient></s:Envelope>',
      { ...XML_TYPE, SOAPAction: '"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping"' },
      5000,
    ),
  },
  {
    name: 'chat with emoji and odd characters',
    exchange: post(
      '/api/chat',
      `{"text":"${Buffer.from('¯\\_(ツ)_/¯ it works :) ;-)', 'utf8').toString('latin1').replace(/\\/g, '\\\\')}"}`,
      JSON_TYPE,
    ),
  },
  {
    name: 'WebSocket upgrade',
    exchange: talk(
      80,
      requestText('GET', '/ws', '', {
        Upgrade: 'websocket',
        Connection: 'Upgrade',
        'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version': '13',
      }),
      says(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
      ),
      '\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58',
    ),
  },
  {
    name: 'errors of the server',
    exchange: [
      request('GET', '/missing.php?page=about', '', {
        status: '404 Not Found',
        answer: '<h1>Not Found</h1>',
      }),
      request('GET', '/etc/passwd', '', { status: '404 Not Found' }),
    ],
  },
];
