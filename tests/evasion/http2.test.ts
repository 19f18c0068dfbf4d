import { HTTP2_PLANS, http2Combination, http2Message, http2PlanName } from './http2-tricks';
import { describeWebEvasion } from './web-campaign';

describeWebEvasion({
  name: 'HTTP/2',
  kind: 'web2',
  port: 7082,
  plans: HTTP2_PLANS,
  planName: http2PlanName,
  combination: http2Combination,
  message: http2Message,
  many: 10_000,
});
