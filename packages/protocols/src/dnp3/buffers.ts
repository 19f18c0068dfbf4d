import { FIRST_BUFFER } from '../buffer-ranges';
import { MESSAGE_READ } from '../framing/message-parser';
import {
  type BufferDefinition,
  type Direction,
  Direction as Directions,
  type IntegerBuffer,
} from '../transaction';

export const Dnp3Buffer = {
  /** The application's message without the checksums of the frames it came in. */
  DATA: 0,
  FUNCTION: 1,
  /** The two bytes of a response's internal indications; for the keyword `dnp3_ind`. */
  INDICATIONS: 2,
  /** Group and variation of each object, a byte each, one object after another; for the keyword `dnp3_obj`. */
  OBJECTS: 3,
  /** DATA and FUNCTION by their older names. */
  OLD_DATA: 4,
  OLD_FUNCTION: 5,
} as const;

const FUNCTIONS = new Map(
  [
    'confirm', 'read', 'write', 'select', 'operate', 'direct_operate', 'direct_operate_nr', 'immed_freeze',
    'immed_freeze_nr', 'freeze_clear', 'freeze_clear_nr', 'freeze_at_time', 'freeze_at_time_nr', 'cold_restart',
    'warm_restart', 'initialize_data', 'initialize_appl', 'start_appl', 'stop_appl', 'save_config',
    'enable_unsolicited', 'disable_unsolicited', 'assign_class', 'delay_measure', 'record_current_time', 'open_file',
    'close_file', 'delete_file', 'get_file_info', 'authenticate_file', 'abort_file', 'activate_config',
    'authenticate_req', 'authenticate_err',
  ].map((name, code): [string, number] => [name, code]),
); // biome-ignore format: a table
FUNCTIONS.set('response', 129);
FUNCTIONS.set('unsolicited_response', 130);
FUNCTIONS.set('authenticate_resp', 131);

const B = Dnp3Buffer;
const BOTH = [Directions.TO_SERVER, Directions.TO_CLIENT] as const;

function row(
  id: number,
  name: string,
  integer: IntegerBuffer | null = null,
  directions: readonly Direction[] = BOTH,
): BufferDefinition {
  const shared = { name, id: FIRST_BUFFER.dnp3 + id, protocol: 'dnp3', directions, progress: MESSAGE_READ };
  return { ...shared, streaming: false, multiple: false, ...(integer && { integer }) };
}

export const DNP3_BUFFERS: readonly BufferDefinition[] = [
  row(B.DATA, 'dnp3.data'),
  row(B.FUNCTION, 'dnp3.func', { bytes: 1, names: FUNCTIONS }),
  row(B.INDICATIONS, 'dnp3.ind', null, [Directions.TO_CLIENT]),
  row(B.OBJECTS, 'dnp3.obj'),
  row(B.OLD_DATA, 'dnp3_data'),
  row(B.OLD_FUNCTION, 'dnp3_func', { bytes: 1, names: FUNCTIONS }),
];
