/** The reader contract over every family. */

import { readerContract } from './reader-contract.ts'

readerContract({ family: 'qpos', list: 'host' })
readerContract({ family: 'bluepad', list: 'reader' })
readerContract({ family: 'miura', list: 'reader' })
