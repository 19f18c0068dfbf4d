export {
  type BufferDefinition,
  type BufferView,
  Direction,
  type ProtocolDefinition,
  type ProtocolParser,
  type Transaction,
  type TransactionListener,
} from './transaction';
