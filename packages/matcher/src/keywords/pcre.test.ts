import { compileText, Harness } from '../../testing/harness';

/** What the alerts of a payload tell besides, rule by rule. */
function contexts(payload: string, ...options: string[]) {
  const rules = options.map((each, i) => `alert udp any any -> any any (${each}; sid:${i + 1};)`);
  const harness = new Harness(rules.join('\n'));
  const fired = harness.packet({ protocol: 17, payload });
  return fired.map((_, place) => harness.matcher.fired.context(place));
}

test('alerts tell of groups, by their names or in their order', () => {
  expect(
    contexts(
      'user=doe; host=a.example',
      'content:"user"; pcre:"/user=(?P<alert_user>\\w+)/"',
      'content:"user"; pcre:"/user=(\\w+). host=(\\S+)/, flow:name, alert:host"',
      'content:"user"; pcre:"/(?<alert_one>u)ser/"; pcre:"/(h)ost/, alert:two"',
      'content:"user"; pcre:"/(?:nothing(?P<alert_x>.))?user=(d)/, flow:none, alert:letter"',
      'content:"user"; pcre:"/user/"',
    ),
  ).toEqual([{ user: 'doe' }, { host: 'a.example' }, { one: 'u', two: 'h' }, { letter: 'd' }, undefined]);
});

test('what a group is told of has a limit, and nothing is left of earlier packets', () => {
  const harness = new Harness(
    'alert udp any any -> any any (content:"a"; pcre:"/(?P<alert_all>a+)/"; sid:1;)',
  );
  harness.packet({ protocol: 17, payload: 'a'.repeat(1000) });
  expect(harness.matcher.fired.context(0)?.all).toHaveLength(256);
  expect(harness.packet({ protocol: 17, payload: 'b' })).toEqual([]);
  expect(harness.matcher.fired.context(0)).toBeUndefined();
});

test('names that are none are refused', () => {
  const { failed } = compileText('alert udp any any -> any any (content:"a"; pcre:"/(a)/, file:x"; sid:1;)');
  expect(failed.map(({ error }) => error.message)).toEqual([
    expect.stringMatching(/is not flow:name, pkt:name or alert:name/),
  ]);
});
