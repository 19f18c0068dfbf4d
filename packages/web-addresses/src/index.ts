export { AddressTable, type AddressTableData, ALLOWED, EntryFlag, tableBytes } from './address-table';
export { FeedError } from './feed-lines';
export { type BadLine, type FeedForm, type FeedLines, type FeedSettings, readFeed } from './feed-reader';
export { MAX_CATEGORY_NAME, MAX_LISTS } from './limits';
export {
  type AddressList,
  type AddressSources,
  ALLOW_LIST,
  exceptionProblem,
  type ListReport,
  type LoadedAddresses,
  loadAddresses,
} from './load';
export { loadAddressesInThread } from './load-in-thread';
export { AddressTableBuilder, TableFullError } from './table-builder';
export { WebAddress } from './web-address';
