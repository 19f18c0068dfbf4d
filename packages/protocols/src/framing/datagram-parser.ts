import { type TransactionListener, Transport } from '../transaction';
import { MessageParser } from './message-parser';

/** What parsers have in common of protocols whose messages are a datagram each. */
export abstract class DatagramParser extends MessageParser {
  constructor(listener: TransactionListener) {
    super(listener, Transport.UDP, 0);
  }

  /** Asked over TCP only. */
  protected messageLength(): number {
    return -1;
  }
}
