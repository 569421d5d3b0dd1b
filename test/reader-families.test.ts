/** The reader contract over every family. */

import { readerContract } from './reader-contract.ts'

readerContract({ family: 'qpos', list: 'host' })
readerContract({ family: 'bluepad', list: 'reader' })
readerContract({ family: 'miura', list: 'reader' })
readerContract({ family: 'magtek', dialect: 'v5', list: 'host', without: ['pinPad'] })
readerContract({ family: 'magtek', dialect: 'mms', list: 'reader', without: ['battery', 'listEvent'] })
