/** Connections of one host are with different workers: rules that count or remember hosts do so over all of them. */
import { Lab, waitUntil } from '@portcullis/testkit';
import { describeLab, LabEngine } from './engine';

const PORT = 80;
/** So many connections that they cannot all have drawn one of the queues by chance. */
const MANY = 16;
const rules = [
  `alert http any any -> any any (msg:"many"; flow:established,to_server; http.uri; content:"/login"; threshold:type both,track by_src,count ${MANY},seconds 300; classtype:misc-activity; sid:1000070;)`,
  'alert http any any -> any any (msg:"first"; flow:established,to_server; http.uri; content:"/first"; xbits:set,came,track ip_src,expire 300; noalert; classtype:misc-activity; sid:1000071;)',
  'alert http any any -> any any (msg:"second"; flow:established,to_server; http.uri; content:"/second"; xbits:isset,came,track ip_src; classtype:misc-activity; sid:1000072;)',
  'alert ftp-data any any -> any any (msg:"file"; ftpdata_command:retr; file.data; content:"what is in the file"; classtype:misc-activity; sid:1000073;)',
  'alert http any any -> any any (msg:"new"; flow:established,to_server; http.uri; content:"/once"; dataset:set,once,type string,state once.lst; classtype:misc-activity; sid:1000074;)',
].join('\n');

const FTP_PORT = 21;
const DATA_PORT = 2121;
/** As much of an FTP server as one transfer takes (RFC 959, RFC 2428). */
const ftpServer = `
  const net = require('node:net');
  const waiting = [];
  net.createServer((data) => waiting.push(data.on('error', () => {}))).listen(${DATA_PORT}, '::');
  net.createServer((control) => {
    const say = (line) => control.write(line + '\\r\\n');
    control.on('error', () => {});
    say('220 here');
    control.on('data', (bytes) => {
      const [command] = bytes.toString().split(/[ \\r]/);
      if (command === 'USER') say('331 and the password');
      else if (command === 'PASS') say('230 come in');
      else if (command === 'EPSV') say('229 Entering Extended Passive Mode (|||${DATA_PORT}|)');
      else if (command === 'RETR') {
        say('150 here it comes');
        for (const data of waiting.splice(0)) data.end('what is in the file');
      }
    });
  }).listen(${FTP_PORT}, '::', () => console.log('ready'));
`;

describeLab('rules about more than one connection, with four queues', () => {
  let lab: Lab;
  let engine: LabEngine;
  beforeAll(async () => {
    lab = new Lab('pcaq');
    await lab.httpServer('server', PORT);
    const server = lab.spawn('server', [process.execPath, '-e', ftpServer]);
    await waitUntil(() => server.stdout.includes('ready'), { what: 'the FTP server' });
    engine = await new LabEngine(lab, { rules, queues: '0-3' }).start();
  });
  afterAll(async () => {
    if (engine?.process?.running) await engine.stop();
    lab?.destroy();
    engine?.remove();
  });

  const ask = async (family: 4 | 6, path: string) =>
    expect(
      (await lab.httpGet('attacker', path, { host: lab.target(family), port: PORT, ...engine.patience() }))
        .complete,
    ).toBe(true);
  const alerts = (family: 4 | 6, sid: number, end: 'src_ip' | 'dest_ip' = 'src_ip') =>
    engine
      .events('alert')
      .filter((event) => event[end] === lab.address('attacker', family) && event.alert?.signature_id === sid)
      .length;

  test.each([4, 6] as const)(
    'IPv%s: a threshold counts the requests of a host, not those of a worker',
    async (family) => {
      for (let n = 1; n < MANY; n++) await ask(family, `/login?${n}`);
      // Another alert, later than any that those may have given.
      await ask(family, '/first');
      await ask(family, '/second');
      await waitUntil(() => alerts(family, 1000072) === 1, {
        timeout: 20_000,
        what: 'the alert of the second',
      });
      expect(alerts(family, 1000070)).toBe(0);
      await ask(family, `/login?${MANY}`);
      await waitUntil(() => alerts(family, 1000070) === 1, {
        timeout: 20_000,
        what: 'the alert of the many',
      });
      await ask(family, `/login?${MANY + 1}`);
      for (let n = 1; n < MANY; n++) await ask(family, `/second?${n}`);
      // One a connection, whichever worker had it, and whichever had the one that set the bit.
      await waitUntil(() => alerts(family, 1000072) === MANY, {
        timeout: 20_000,
        what: 'the alerts of all that came second',
      });
      expect(alerts(family, 1000070)).toBe(1);
    },
    60_000,
  );

  test.each([4, 6] as const)(
    'IPv%s: the data connection of FTP is known where the control connection is with another worker',
    async (family) => {
      const host = lab.target(family);
      for (let n = 1; n <= MANY; n++) {
        const control = await lab.connect('attacker', { host, port: FTP_PORT });
        await control.receive(/220 here/);
        for (const [command, answer] of [
          ['USER me', /331/],
          ['PASS word', /230/],
          ['EPSV', /229/],
        ] as const) {
          await control.write(`${command}\r\n`);
          await control.receive(answer);
        }
        const data = await lab.connect('attacker', { host, port: DATA_PORT });
        await control.write('RETR file.txt\r\n');
        await data.receive(/what is in the file/);
        await data.end();
        await control.end();
        await waitUntil(() => alerts(family, 1000073, 'dest_ip') === n, {
          timeout: 20_000,
          what: `the alert of transfer ${n}`,
        });
      }
    },
    60_000,
  );

  test('what a data set has learnt is known to all workers, and to those of the next start', async () => {
    for (let n = 1; n <= MANY; n++) await ask(4, '/once');
    await ask(4, '/once-more');
    await waitUntil(() => alerts(4, 1000074) === 2, { timeout: 20_000, what: 'an alert of each' });
    await engine.stop();
    await engine.start();
    await ask(6, '/once');
    await ask(6, '/once-again');
    await waitUntil(() => alerts(6, 1000074) === 1, { timeout: 20_000, what: 'the alert of what is new' });
    expect(alerts(4, 1000074)).toBe(2);
  }, 60_000);
});
