/** A real rsyslog receives RFC 5424 over TCP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rsyslog, waitUntil } from '@portcullis/testkit';
import { freePort, SYSLOG_FORMAT } from '../../testing/receivers';
import { alerts } from '../../testing/records';
import { SpooledSink } from '../delivery/spooled-sink';
import { Spool } from '../spool/spool';
import { syslogStreamTransport } from './stream';

const missing = Rsyslog.missing();
(missing === null ? test : test.skip)(
  `rsyslog reads every field of the header and the message as it was sent${missing === null ? '' : ` (${missing})`}`,
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rsyslog-'));
    const port = await freePort();
    const rsyslog = new Rsyslog(directory, port);
    const sink = new SpooledSink(
      await Spool.open({ directory: join(directory, 'spool'), size: 4 * 1024 * 1024 }),
      syslogStreamTransport({ host: '127.0.0.1', port }, null, SYSLOG_FORMAT),
      { batch: 50, retry: { first: 10, most: 50 } },
    );
    try {
      await rsyslog.start();
      const records = alerts(0, 200);
      for (const record of records) sink.write(record);
      await waitUntil(() => rsyslog.rows.length === 200, { what: 'the messages', timeout: 20_000 });
      const { message, ...header } = rsyslog.rows[7] ?? { message: '' };
      expect(header).toEqual({
        hostname: 'gateway',
        appName: 'portcullis',
        messageId: 'alert',
        priority: 'local3.crit',
        timestamp: '2023-11-14T22:13:20.000007+00:00',
        structuredData: '[meta sequenceId="8"]',
      });
      expect(JSON.parse(message)).toEqual(records[7]);
      expect(rsyslog.rows.map((row) => JSON.parse(row.message))).toEqual(records);
    } finally {
      await sink.close();
      await rsyslog.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
