import { createHttp2 } from '@portcullis/protocols';
import { firedBy, ruleErrors } from '../../testing/protocol-rules';

const http2 = createHttp2();
const rule = (options: string, sid: number) => `alert http2 any any -> any any (${options}; sid:${sid};)`;
const magic = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const settings = Buffer.from([0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0]);

test('settings', () => {
  const options = [
    'http2.settings:SETTINGS_ENABLE_PUSH=0',
    'http2.settings:SETTINGS_INITIAL_WINDOW_SIZE >65535',
    'http2.settings:SETTINGS_INITIAL_WINDOW_SIZE',
    'http2.settings:SETTINGS_ENABLE_PUSH=1',
    'http2.settings:SETTINGS_MAX_FRAME_SIZE',
  ];
  const [fired] = firedBy(
    http2,
    options.map((each, i) => rule(each, i + 1)),
    [[0, Buffer.concat([magic, settings])]],
  );
  expect(fired).toEqual([1, 2, 3]);
});

test('what is no setting', () => {
  const errors = ruleErrors(http2, [
    rule('http2.settings:NOTHING=1', 1),
    rule('http2.settings:SETTINGS_ENABLE_PUSH x', 2),
  ]);
  expect(errors[0]).toContain('needs the name of a setting');
  expect(errors).toHaveLength(2);
});
