import { messageOf } from './http-trial';
import { HTTP_PLANS, httpCombination, httpPlanName } from './http-tricks';
import { describeWebEvasion } from './web-campaign';

describeWebEvasion({
  name: 'HTTP',
  kind: 'web',
  port: 7080,
  plans: HTTP_PLANS,
  planName: httpPlanName,
  combination: httpCombination,
  message: messageOf,
  many: 20_000,
});
