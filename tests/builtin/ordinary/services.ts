// biome-ignore-all lint/suspicious/noTemplateCurlyInString: mails may talk about attacks
import {
  bsonDocument,
  bsonText,
  MYSQL_GREETING,
  MYSQL_LOGIN,
  memcached,
  mongo,
  mysqlQuery,
  PG_READY,
  PG_STARTUP,
  pgQuery,
  redisCommand,
  tdsBatch,
} from '../cases/databases';
import { RDP_CONFIRM, rdpChannels, rdpConnect } from '../cases/remote-access';
import { big, hex, little, type OrdinaryTraffic, says, talk, times, utf16 } from '../exchange';
import {
  create2,
  ndrString,
  negotiate1,
  negotiate2,
  ntCreate,
  rpcBind,
  rpcRequest,
  smb1,
  smb2,
  transaction2,
  transceive2,
  write2,
} from '../smb-message';

const OK = says('+OK\r\n');
const password = (index: number) => `${hex('1b2c3d4e5f60718293a4b5c6d7e8f9')}${big(2, index)}`;

/** A TLS record with a ClientHello; what follows is ciphertext to whoever looks. */
const clientHello = (() => {
  const name = 'www.example.org';
  const sni = `\0\0${big(2, name.length + 5)}${big(2, name.length + 3)}\0${big(2, name.length)}${name}`;
  const hello = `\x03\x03${'\x42'.repeat(32)}\x20${'\x17'.repeat(32)}${big(2, 4)}\x13\x01\x13\x02\x01\0${big(2, sni.length)}${sni}`;
  return `\x16\x03\x01${big(2, hello.length + 4)}\x01${big(3, hello.length)}${hello}`;
})();

const kex = `\x14${'\x5a'.repeat(16)}${['curve25519-sha256', 'ssh-ed25519', 'aes128-ctr', 'aes128-ctr', 'hmac-sha2-256', 'hmac-sha2-256', 'none', 'none', '', ''].map((list) => `${big(4, list.length)}${list}`).join('')}\0\0\0\0\0`;
const ssh = talk(
  22,
  says('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n'),
  'SSH-2.0-OpenSSH_9.6\r\n',
  `${big(4, kex.length + 9)}\x08${kex}${'\0'.repeat(8)}`,
  says(`${big(4, kex.length + 9)}\x08${kex}${'\0'.repeat(8)}`),
  `\0\0\0\x2c\x06\x1e\0\0\0\x20${'\x99'.repeat(32)}${'\0'.repeat(6)}`,
  '\0\0\0\x0c\x0a\x15\0\0\0\0\0\0\0\0\0\0',
  password(1).repeat(40),
);

const ftp = talk(
  21,
  says('220 ProFTPD Server ready\r\n'),
  'USER ann\r\n',
  says('331 Password required\r\n'),
  'PASS secret;x\r\n',
  says('230 Logged in\r\n'),
  'SYST\r\nFEAT\r\nCWD ../pub\r\n',
  says('215 UNIX\r\n211 End\r\n250 OK\r\n'),
  'PORT 192,0,2,10,156,64\r\n',
  says('200 OK\r\n'),
  'RETR report (final) :-).pdf\r\n',
  says('226 Done\r\n'),
  'SITE CHMOD 755 script.sh\r\nSTOR index.php\r\nQUIT\r\n',
  says('200 OK\r\n226 Done\r\n221 Bye\r\n'),
);

const mail = [
  'From: Ann <ann@example.net>',
  'To: Bob <bob@example.org>',
  'Subject: Invoice; union of all () {things}',
  'Date: Tue, 4 Aug 2026 10:00:00 +0200',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b1"',
  '',
  '--b1',
  'Content-Type: text/plain',
  '',
  'Hi Bob,',
  'please run: curl https://example.org/a | sh; or wget it. VRFY root is off, () { :; }; is bash.',
  'SELECT * FROM invoices UNION SELECT 1,2,3; ${jndi:ldap://example.net/a} is an attack.',
  '--b1',
  'Content-Type: application/zip; name="a.zip"',
  'Content-Transfer-Encoding: base64',
  '',
  'UEsDBBQAAAAIAAAAIQ==',
  '--b1--',
  '.',
].join('\r\n');
const smtp = talk(
  25,
  says('220 mx.example.org ESMTP Postfix\r\n'),
  'EHLO mail.example.net\r\n',
  says('250-mx.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n'),
  'MAIL FROM:<ann@example.net> SIZE=2000\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n',
  says('250 OK\r\n250 OK\r\n354 Go ahead\r\n'),
  `${mail}\r\n`,
  says('250 Queued\r\n'),
  'QUIT\r\n',
  says('221 Bye\r\n'),
);

const redis = talk(
  6379,
  redisCommand('HELLO', '3'),
  OK,
  redisCommand('SET', 'session:1', '{"dir":"/var/www","module":"load"}', 'EX', '60'),
  OK,
  `${redisCommand('GET', 'session:1')}${redisCommand('INCR', 'hits')}${redisCommand('LPUSH', 'queue', 'system.exec later')}`,
  says('$2\r\n{}\r\n:1\r\n:1\r\n'),
  redisCommand('CONFIG', 'SET', 'maxmemory', '100mb'),
  OK,
  redisCommand('CONFIG', 'GET', 'dir'),
  says('*2\r\n$3\r\ndir\r\n$4\r\n/var\r\n'),
  redisCommand('EVAL', "return redis.call('GET', KEYS[1])", '1', 'a'),
  OK,
  redisCommand('REPLICAOF', '10.0.0.2', '6379'),
  OK,
);

const smb2Session = talk(
  445,
  negotiate1('NT LM 0.12', 'SMB 2.002', 'SMB 2.???'),
  says(smb2(0, `${little(2, 65)}${little(2, 1)}${'\0'.repeat(61)}`)),
  negotiate2(),
  says(smb2(0, `${little(2, 65)}${little(2, 1)}${'\0'.repeat(61)}`)),
  smb2(
    1,
    `${little(2, 25)}\0\x01${little(4, 1)}${little(4, 0)}${little(2, 88)}${little(2, 40)}${little(8, 0)}NTLMSSP\0${little(4, 1)}${'\0'.repeat(28)}`,
  ),
  smb2(3, `${little(2, 9)}${little(2, 0)}${little(2, 72)}${little(2, 34)}${utf16('\\\\server\\documents')}`),
  create2('reports\\2026\\summary; final.docx'),
  smb2(8, `${little(2, 49)}\x50\0${little(4, 65536)}${little(8, 0)}${'\x22'.repeat(16)}${'\0'.repeat(17)}`),
  write2(`PK\x03\x04${'\0\x01\x02\x03'.repeat(500)}`),
  create2('srvsvc'),
  write2(rpcBind('4b324fc8-1670-01d3-1278-5a47bf6ee188', 3)),
  transceive2(rpcRequest(15, ndrString('\\\\server'))),
);
const smb1Session = talk(
  139,
  `\x81\0\0\x44${'\x20CKFDENECFDEFFCFGEFFCCACACACACACA\0'.repeat(2)}`,
  says('\x82\0\0\0'),
  negotiate1('PC NETWORK PROGRAM 1.0', 'NT LM 0.12'),
  smb1(
    0x73,
    `\xff\0\0\0${little(2, 4356)}${little(2, 50)}${little(2, 0)}${little(4, 0)}${little(2, 0)}${little(2, 0)}${little(4, 0)}${little(4, 0xd4)}`,
    utf16('GUEST\0'),
  ),
  smb1(0x75, `\xff\0\0\0\x08\0\x01\0`, `\0${utf16('\\\\SERVER\\IPC$\0')}?????\0`),
  ntCreate('\\srvsvc'),
  transaction2(1, utf16('\\docs\\*\0')),
);

const pg = talk(
  5432,
  PG_STARTUP,
  PG_READY,
  pgQuery('BEGIN'),
  pgQuery('COPY products (id, name) FROM STDIN WITH (FORMAT csv)'),
  `d${big(4, 18)}1,drop program\n`,
  `c${big(4, 4)}`,
  pgQuery("CREATE FUNCTION total(int) RETURNS int AS 'select $1 * 2' LANGUAGE sql; COMMIT"),
  `X${big(4, 4)}`,
);
const mysql = talk(
  3306,
  MYSQL_GREETING,
  MYSQL_LOGIN,
  says(`${little(3, 7)}\x02\0\0\0\x02\0\0\0`),
  mysqlQuery("SELECT id FROM a WHERE x = 1 UNION SELECT id FROM b WHERE y = 'file'"),
  mysqlQuery("LOAD DATA INFILE '/var/lib/mysql-files/in.csv' INTO TABLE a"),
  mysqlQuery('CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1'),
  `${little(3, 1)}\0\x01`,
);

const telnet = talk(
  23,
  hex('fffd18 fffd20 fffd23 fffd27'),
  says(hex('fffb18 fffa1801fff0')),
  `${hex('fffa1800')}xterm${hex('fff0')}`,
  `${hex('fffa2700')}\0USER\x01ann\x03TERM\x01xterm${hex('fff0')}`,
  says('login: '),
  'ann\r\0',
  'correct horse\r\0',
  'ls -l /bin/busybox\r\0cat /proc/cpuinfo\r\0exit\r\0',
);

const rfb = talk(
  5900,
  says('RFB 003.008\n'),
  'RFB 003.008\n',
  says('\x02\x02\x10'),
  '\x02',
  says('\x33'.repeat(16)),
  '\x44'.repeat(16),
  says('\0\0\0\0'),
  '\x01',
);

const rmi = talk(
  1099,
  `JRMI\0\x02K`,
  says(`N\0\x0a192.0.2.10\0\0\x9c\x40`),
  `\0\x0a192.0.2.10\0\0\0\0`,
  `P${hex('aced0005')}w"${'\0'.repeat(20)}\x02\x44\x15\x4d\xc9\xd4\xe6\x3b\xdft\0\x06orders`,
);

export const serviceTraffic: readonly OrdinaryTraffic[] = [
  { name: 'SSH session', exchange: ssh },
  { name: 'SSH: ten sessions of a deployment', exchange: times(10, ssh) },
  { name: 'FTP session', exchange: ftp },
  { name: 'SMTP with a mail that talks about attacks', exchange: smtp },
  {
    name: 'POP3',
    exchange: talk(
      110,
      says('+OK ready\r\n'),
      'USER ann\r\nPASS x\r\nLIST\r\nRETR 1\r\nQUIT\r\n',
      says('+OK\r\n'),
    ),
  },
  {
    name: 'IMAP',
    exchange: talk(
      143,
      says('* OK ready\r\n'),
      'a1 LOGIN ann "p:)w"\r\na2 SELECT INBOX\r\na3 FETCH 1:* (FLAGS)\r\n',
      says('a1 OK\r\n'),
    ),
  },
  { name: 'Redis', exchange: redis },
  {
    name: 'memcached text',
    exchange: talk(
      11211,
      'set key 0 60 5\r\nvalue\r\nget key\r\nstats items\r\nquit\r\n',
      says('STORED\r\n'),
    ),
  },
  {
    name: 'memcached binary',
    exchange: talk(
      11211,
      memcached(0x01, 3, '\0'.repeat(8), 16, 'keyvalue'),
      memcached(0x00, 3, '', 3, 'key'),
    ),
  },
  { name: 'MySQL', exchange: mysql },
  { name: 'PostgreSQL', exchange: pg },
  { name: 'SQL Server', exchange: talk(1433, tdsBatch("SELECT @@VERSION; EXEC sp_who; SELECT 'shell'")) },
  {
    name: 'MongoDB',
    exchange: talk(
      27017,
      mongo(bsonText('hello', '1')),
      mongo(bsonText('find', 'orders'), bsonDocument('filter', bsonText('name', '$where is it'))),
    ),
  },
  {
    name: 'RDP',
    exchange: talk(
      3389,
      rdpConnect('ann'),
      RDP_CONFIRM,
      rdpChannels('rdpdr', 'rdpsnd', 'cliprdr', 'drdynvc'),
    ),
  },
  {
    name: 'RDP with TLS',
    exchange: talk(3389, rdpConnect('ann'), RDP_CONFIRM, clientHello, says('\x16\x03\x03\0\x04\x02\0\0\0')),
  },
  { name: 'VNC', exchange: rfb },
  { name: 'Telnet', exchange: telnet },
  { name: 'SMB 3', exchange: smb2Session },
  { name: 'SMB 1', exchange: smb1Session },
  {
    name: 'TLS',
    exchange: talk(
      443,
      clientHello,
      says(`\x16\x03\x03\0\x7a\x02\0\0\x76${'\x55'.repeat(118)}`),
      `\x17\x03\x03\x01\0${password(2).repeat(15)}x`,
    ),
  },
  {
    name: 'LDAP',
    exchange: talk(
      389,
      hex('300c020101600702010304008000'),
      says(hex('300c02010161070a010004000400')),
      hex('30050201024200'),
    ),
  },
  { name: 'Java RMI', exchange: rmi },
  {
    name: 'rsync download',
    exchange: talk(
      873,
      says('@RSYNCD: 31.0\n'),
      '@RSYNCD: 31.0\nfiles\n',
      says('@RSYNCD: OK\n'),
      '--server\n--sender\n-vlogDtpr\n.\nfiles/etc/cron.d/\n\n',
    ),
  },
  {
    name: 'distcc',
    exchange: talk(
      3632,
      'DIST00000001ARGC00000003ARGV00000003gccARGV00000002-cARGV00000004sh.cDOTI00000003int',
    ),
  },
  {
    name: 'IRC',
    exchange: talk(
      6667,
      'NICK ann\r\nUSER ann 0 * :Ann\r\nJOIN #a\r\nPRIVMSG #a :AB; test\r\n',
      says(':irc 001 ann :Welcome\r\n'),
    ),
  },
  {
    name: 'SIP',
    exchange: talk(
      5060,
      'REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.10\r\nUser-Agent: Linphone/5.2\r\nContent-Length: 0\r\n\r\n',
    ),
  },
  {
    name: 'printer',
    exchange: talk(
      9100,
      '\x1b%-12345X@PJL JOB NAME="report"\r\n@PJL SET COPIES=1\r\n@PJL ENTER LANGUAGE=PCL\r\n',
      '\x1bE'.repeat(50),
    ),
  },
  {
    name: 'Android debug bridge',
    exchange: talk(
      5555,
      `CNXN${little(4, 0x1000001)}${little(4, 4096)}${little(4, 7)}${little(4, 0)}${hex('bcb1a7b1')}host::\0`,
    ),
  },
  {
    name: 'DNS over TCP',
    exchange: talk(53, `\0\x21${hex('1a2b01000001000000000000')}\x03www\x07example\x03org\0\0\x01\0\x01`),
  },
  { name: 'AMQP', exchange: talk(5672, `AMQP\0\0\x09\x01`, says('\x01\0\0\0\0\0\x04\0\x0a\0\x0a\xce')) },
  {
    name: 'random bytes on many ports',
    exchange: [23, 445, 1433, 3306, 3389, 5432, 6379, 8009, 9000, 27017, 61616].map((port) =>
      talk(port, password(port).repeat(30), says(password(port + 1).repeat(30))),
    ),
  },
];
