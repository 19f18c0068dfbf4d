export {
  type Action,
  type AddressExpression,
  type AddressRange,
  type Place,
  type PortExpression,
  type Rule,
  RuleError,
  type RuleHeader,
  type RuleOption,
} from './ast';
