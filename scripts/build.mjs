/** `npm run build`: everything that `npm start` needs, without starting it. */
import { main, prepare } from './prepare.mjs';

main(() => prepare(['build', 'run']));
