import { BufferStep, type Evaluation, type Outcome } from '../evaluation';
import type { Keyword } from '../keyword';
import { withoutValue } from '../option-value';

const NUMBERS = 6;

/** The address of a PORT command, as four bytes and two of the port (RFC 959 §4.1.2), is not the client's. */
class FtpBounceStep extends BufferStep {
  inspect(evaluation: Evaluation, at: number): Outcome {
    const { bytes, end, context } = evaluation;
    const { packet } = context;
    if (packet.version !== 4) return -1;
    const client = context.direction === 0 ? packet.source[3] : packet.destination[3];
    let address = 0;
    let place = evaluation.start;
    while (place < end && bytes[place] === 0x20) place++;
    for (let i = 0; i < NUMBERS; i++) {
      let number = 0;
      const first = place;
      while (place < end && place - first < 3 && bytes[place] >= 0x30 && bytes[place] <= 0x39) {
        number = number * 10 + bytes[place++] - 0x30;
      }
      if (place === first || number > 255) return -1;
      if (i < 4) address = address * 256 + number;
      if (i < NUMBERS - 1 && bytes[place++] !== 0x2c) return -1;
    }
    return address !== client ? evaluation.run(at + 1) : -1;
  }
}

const PORT = Uint8Array.from(Buffer.from('port'));

class PortCommandStep extends BufferStep {
  inspect(evaluation: Evaluation, at: number): Outcome {
    if (evaluation.length !== PORT.length) return -1;
    for (let i = 0; i < PORT.length; i++) {
      if ((evaluation.bytes[evaluation.start + i] | 0x20) !== PORT[i]) return -1;
    }
    return evaluation.run(at + 1);
  }
}

/** `ftpbounce`: a PORT command that names another host than the client. */
export const ftpbounce: Keyword = {
  names: ['ftpbounce'],
  parse(option, rule) {
    withoutValue(option);
    rule.addTo(option, 'ftp.command', new PortCommandStep());
    rule.addTo(option, 'ftp.command_data', new FtpBounceStep());
  },
};
